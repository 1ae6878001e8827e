import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request as askPlainly, type IncomingMessage } from 'node:http'
import { request as askSafely } from 'node:https'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer as bufferOf } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './app.ts'
import { atEnd } from './at-end.ts'
import { root } from './process.ts'
import { until } from './state.ts'

type Ending = Pick<TestContext, 'after'>

const programs = { caddy: '/usr/bin/caddy', nginx: '/usr/sbin/nginx' } as const
export type Program = keyof typeof programs
export const hasProgram = (program: Program) => (): boolean => existsSync(programs[program])

/** A port of the loopback that is free now: a proxy must be told one, and links name it before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** One of the files of `deploy/`. */
export const deployed = (name: string): string => readFileSync(join(root, 'deploy', name), 'utf8')

/** Caddy by a Caddyfile, in which `env` is put; certificates are made by itself, and trusted by nobody. */
export async function startCaddy(t: Ending, port: number, sites: string, env: Record<string, string>): Promise<void> {
  const folder = await temporaryFolder(t)
  const options = ['admin off', 'local_certs', 'skip_install_trust', 'auto_https disable_redirects']
  const file = join(folder, 'Caddyfile')
  await writeFile(file, `{\n${options.join('\n')}\nstorage file_system ${folder}\n}\n${sites}`)
  const caddyEnv = { ...env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  await start(t, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], port, caddyEnv)
}

/** nginx with server blocks, as the one process that this test has of it. */
export async function startNginx(t: Ending, port: number, servers: string): Promise<void> {
  const { folder, file } = await nginxConfig(t, servers)
  await start(t, 'nginx', ['-p', folder, '-e', 'error.log', '-c', file], port, {})
}

/** A whole configuration of nginx, with all that it writes in a folder of the test's. */
export async function nginxConfig(t: Ending, servers: string): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  )
  const http = `access_log off;\n${temporary.join('\n')}\n${servers}`
  await writeFile(file, `daemon off;\nmaster_process off;\npid ${folder}/nginx.pid;\nevents {}\nhttp {\n${http}\n}\n`)
  return { folder, file }
}

async function start(t: Ending, program: Program, args: string[], port: number, env: Record<string, string>) {
  const child = spawn(programs[program], args, { env: { PATH: process.env.PATH ?? '', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const ended = once(child, 'exit')
  atEnd(t, async () => {
    child.kill('SIGKILL')
    await ended
  })
  await until(`${program} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${output}`)
    return canConnect(port)
  })
}

function canConnect(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).finally(() => socket.destroy()) as Promise<boolean>
}

/** Runs a program to its end, as for a look at a configuration. */
export async function check(program: Program, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(programs[program], args, { env: { PATH: process.env.PATH ?? '', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** What is asked of a proxy, by whom. */
export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What is sent, as it comes. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  /** The client's own address, of the loopback's many. */
  readonly from?: string
}

/** Asks under a name that is nobody's: the connection goes to this machine. Certificates are not looked at. */
export async function ask(address: string, { method = 'GET', headers = {}, body, from }: Asking = {}) {
  const url = new URL(address)
  const send = url.protocol === 'https:' ? askSafely : askPlainly
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send({
      ...{ host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method, agent: false },
      ...{ servername: url.hostname, rejectUnauthorized: false },
      ...(from !== undefined && { localAddress: from }),
      headers: { Host: url.host, ...headers },
    })
    request.once('response', resolve).once('error', reject)
    Readable.from(body === undefined ? [] : body instanceof Uint8Array ? [body] : body).pipe(request)
  })
  return { status: response.statusCode ?? 0, headers: response.headers, body: await bufferOf(response) }
}
