import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import PostalMime from 'postal-mime'
import sharp from 'sharp'
import { temporaryFolder } from './support/app.ts'
import { skipWithout } from './support/needs.ts'
import { startServer } from './support/process.ts'

const run = promisify(execFile)
const hasCurl = (): boolean => spawnSync('curl', ['--version']).error === undefined

/** What curl got: the status, and the JSON that came with it. */
interface Got {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a walk looks at whatever an answer holds
  readonly body: any
}

async function curl(...args: readonly string[]): Promise<Got> {
  const { stdout } = await run('curl', ['--silent', '--max-time', '20', '--write-out', '\n%{http_code}', ...args])
  const cut = stdout.lastIndexOf('\n')
  const text = stdout.slice(0, cut)
  return { status: Number(stdout.slice(cut + 1)), body: text.startsWith('{') ? JSON.parse(text) : text }
}

const json = (body: object): string[] => ['--header', 'Content-Type: application/json', '--data', JSON.stringify(body)]
const bearer = (token: string): string[] => ['--header', `Authorization: Bearer ${token}`]

/** The text of the newest letter of a purpose, once it is there. */
async function letter(dataDir: string, purpose: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const names = await readdir(join(dataDir, 'outbox')).catch(() => [])
    const name = names.filter((one) => one.includes(`-${purpose}-`)).at(-1)
    if (name !== undefined) {
      const { text, subject } = await PostalMime.parse(await readFile(join(dataDir, 'outbox', name)))
      return `${subject}\n${text}`
    }
    await sleep(50)
  }
  throw new Error(`no letter came: ${purpose}`)
}

const picture = async (path: string): Promise<Buffer> =>
  sharp({ create: { width: 1_200, height: 800, channels: 3, background: '#3a7' } })
    .jpeg()
    .toFile(path)
    .then(() => readFile(path))

test('From nothing through all doors with curl: register, confirm, log in, key, upload, variants, list, usage, log-out', async (t) => {
  if (skipWithout(t, 'curl', hasCurl)) return
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'data')
  const { url } = await startServer(t, dataDir, { args: ['--set', 'auth.registration=open'] })
  const account = { email: 'ann@example.org', password: 'correct horse' }

  const registered = await curl(...json(account), `${url}/auth/register`)
  assert.equal(registered.status, 201)
  assert.equal((await curl(...json(account), `${url}/auth/login`)).body.code, 'EMAIL_NOT_VERIFIED')

  const link = /http:\S+\/auth\/confirm\?token=\S+/.exec(await letter(dataDir, 'confirm'))?.[0] ?? ''
  assert.equal((await curl(link.replace(/^http:\/\/[^/]+/, url))).status, 302)
  const { session } = (await curl(...json(account), `${url}/auth/login`)).body
  const { key } = (await curl(...bearer(session.access_token), ...json({ name: 'walk' }), `${url}/auth/api-keys`)).body
  assert.match(key, /^atiru_/)

  const photo = join(folder, 'photo.jpg')
  const bytes = await picture(photo)
  const { file } = (
    await curl(
      ...bearer(key),
      '-H',
      'Content-Type: image/jpeg',
      '-H',
      'x-file-name: photo.jpg',
      '--data-binary',
      `@${photo}`,
      `${url}/files`,
    )
  ).body
  assert.equal(file.size, bytes.length)
  const saved = join(folder, 'saved')
  assert.equal((await curl('--output', saved, file.public_url)).status, 200)
  assert.ok(bytes.equals(await readFile(saved)), 'what comes back is what was sent')
  assert.equal((await curl('--output', saved, `${file.public_url}?width=300&format=webp`)).status, 200)
  assert.deepEqual((({ width, format }) => ({ width, format }))(await sharp(saved).metadata()), {
    width: 300,
    format: 'webp',
  })

  assert.equal((await curl(...bearer(key), `${url}/files`)).body.files[0].file_id, file.file_id)
  const usage = (await curl(...bearer(key), `${url}/usage`)).body
  assert.deepEqual([usage.files_count, usage.storage_bytes, usage.image_ops], [1, bytes.length, 1])
  const seen = (await curl('-H', `X-API-Key: ${key}`, `${url}/api/v1/files`)).body
  assert.deepEqual([seen.success, seen.files[0].id], [true, file.file_id])

  await curl(...json({ email: account.email }), `${url}/identity/auth/verification/send-code`)
  const code = /\b\d{6}\b/.exec(await letter(dataDir, 'code'))?.[0]
  const proof = { email: account.email, code }
  const { data } = (await curl(...json(proof), `${url}/identity/auth/verification/verify-code`)).body
  const me = (await curl(...bearer(data.access_token), `${url}/identity/auth/users/me`)).body.data
  assert.deepEqual([me.id, me.email, me.projects[0].name], [registered.body.user.id, account.email, 'Default'])
  assert.equal((await curl(...bearer(data.access_token), `${url}/files`)).body.files.length, 1)

  assert.equal((await curl('-X', 'POST', ...bearer(session.access_token), `${url}/auth/logout`)).status, 204)
  assert.equal((await curl(...bearer(session.access_token), `${url}/files`)).status, 401)
  assert.equal((await curl(...bearer(key), `${url}/files`)).status, 200)
})
