import assert from 'node:assert/strict'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { after, test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import { doors } from '../../src/http/application.ts'
import { pages } from '../../src/http/dashboard/index.ts'
import type { Door, Route } from '../../src/http/door.ts'
import { systemClock } from '../../src/store.ts'
import { openTokens } from '../../src/tokens/index.ts'
import { makeFolder } from '../support/aether.ts'
import { openTestApp, upload } from '../support/app.ts'
import { formBytes, formType } from '../support/multipart.ts'
import { root } from '../support/process.ts'
import { RawConnection, requestHead } from '../support/raw.ts'
import { newSession } from '../support/session.ts'
import { thisFile } from '../support/shared.ts'
import { failureFault } from './matrix/answers.ts'
import {
  asForm,
  asJson,
  escaped,
  fitting,
  headerNames,
  headerValue,
  json,
  nested,
  type Piece,
  queryWith,
  shapeOf,
  spoilt,
  string,
  types,
} from './matrix/arbitraries.ts'

/** The same runs each time; another seed, or more of them, for whoever looks for something. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_121)
const times = Number(process.env.FUZZ_TIMES ?? 0.5)

const app = await openTestApp(thisFile, { 'auth.registration': 'open' })
/** Signs as the server does, with its key. */
const tokens = await openTokens({
  dir: app.folder,
  clock: systemClock,
  tokenLifeMs: 3_600_000,
  signedLifeMs: 0,
  report: (error) => assert.fail(String(error)),
})
const agent = new Agent({ keepAlive: true })
after(() => agent.destroy())

interface Sent extends Piece {
  readonly method: string
  readonly target: string
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends by Node's own client, which tidies up less than `fetch`: paths and queries go out as they are. */
function send({ method, target, headers, body }: Sent): Promise<Answer> {
  const { hostname, port } = new URL(app.url)
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method, path: target, headers: { ...length, ...headers } }
    const sending = request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

/** Somebody with an account of their own, some things in it, and credentials that open everything. */
class Someone {
  readonly email: string
  readonly key: string
  readonly real: { fileId: string; folderId: string; projectId: string }
  readonly #newToken: () => Promise<string>
  #token = ''

  private constructor(email: string, key: string, real: Someone['real'], newToken: () => Promise<string>) {
    this.email = email
    this.key = key
    this.real = real
    this.#newToken = newToken
  }

  static async new(): Promise<Someone> {
    const { catalogue } = app
    const email = `${crypto.randomUUID()}@example.org`
    const account = await app.newAccount(email)
    const { text: key } = await app.newKey({}, account)
    const own = { url: app.url, key }
    const folderId = await makeFolder(own, 'folder')
    const { id: fileId } = await upload(own, 'text', 'a.txt', 'text/plain')
    const [project] = (await catalogue.read.projects(account.id)).projects
    const someone = new Someone(email, key, { fileId, folderId, projectId: project?.id ?? '' }, async () => {
      const { id } = await newSession(app, account, 'api')
      return tokens.sign({ accountId: account.id, sessionId: id }, Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000)
    })
    await someone.renew()
    return someone
  }

  /** One route of each door's is there to end the session. */
  async renew(): Promise<void> {
    this.#token = await this.#newToken()
  }

  headers(by: By): Record<string, string> {
    if (by === 'nothing') return {}
    return { Authorization: `Bearer ${by === 'key' ? this.key : this.#token}` }
  }

  /** What a route's own headers usually are; `x-project-id` is the account's own. */
  usual(one: Route): Record<string, string> {
    const values: Record<string, string> = {
      'x-project-id': this.real.projectId,
      'Content-Type': 'text/plain',
      'x-file-name': 'b.txt',
    }
    const names = Object.keys(one.headers ?? {})
    return Object.fromEntries(names.map((name) => [name, values[name] ?? '']))
  }

  /** A parameter that stands for something; nothing of it is deleted. */
  param(one: Route): string {
    const { fileId, folderId, projectId } = this.real
    if (one.method === 'delete') return 'unknown'
    if (one.path.includes('project')) return projectId
    return one.path.includes('folder') ? folderId : fileId
  }
}

type By = 'token' | 'key' | 'nothing'
const by: Arbitrary<By> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<By>('token') },
  { weight: 2, arbitrary: fc.constant<By>('key') },
  { weight: 1, arbitrary: fc.constant<By>('nothing') },
)

/** What an answer must never tell: a stack, or where anything lies on this machine. */
const secrets = [/\bat .*\(.*:\d+:\d+\)/, /node_modules/, /\.ts:\d/, /SQLITE_/]
const folders = [app.folder, root.replace(/\/$/, '')]

/** Nothing to be said, or nothing that a header has not: preconditions and ranges of a download. */
const bodiless = [204, 304, 412, 416]

function check(door: Door | undefined, one: Route | undefined, sent: Sent, answer: Answer): void {
  const { status, headers, text } = answer
  const about = `${sent.method} ${sent.target}: ${status} ${text.slice(0, 500)}`
  const all = text + JSON.stringify(headers)
  assert.ok(status >= 200 && status < 500, about)
  for (const secret of secrets) assert.doesNotMatch(all, secret)
  for (const folder of folders) assert.ok(!all.includes(folder), about)
  // What is no HTTP at all is refused by Node's parser, before anybody of ours sees it.
  const isUnseen = headers['x-request-id'] === undefined
  if (isUnseen) assert.ok([400, 417, 431].includes(status) && text === '', about)
  if (isUnseen || door === undefined) return
  const isPage = one?.path.includes(':token') && headers['content-type']?.startsWith('text/html')
  if (bodiless.includes(status)) assert.equal(text, '', about)
  // Where links lead there are pages for browsers, also to refuse.
  else if (isPage) assert.match(text, /^<!doctype html>/)
  else if (status >= 400) assert.equal(failureFault(door.name, status, undefined, text), undefined, about)
  else if (status >= 300) assert.ok(headers.location, about)
  else if (one?.answer) assert.ok(one.answer.safeParse(JSON.parse(text)).success, about)
  else if (headers['content-type']?.startsWith('application/json')) JSON.parse(text)
}

const namesOf = (schema: Route['body']): string[] => Object.keys(shapeOf(schema).properties ?? {})

/** Lines of the log that were looked at. */
let looked = 0

/** The server is there, and nothing happened that nobody had thought of. */
async function mustBeWell(): Promise<void> {
  const { status } = await send({ method: 'GET', target: '/healthz' })
  assert.equal(status, 200)
  const lines = (await app.wholeLog()).split('\n')
  const unforeseen = lines.slice(looked).filter((line) => /"level":[56]0/.test(line))
  looked = lines.length - 1
  assert.deepEqual(unforeseen, [])
  // The server is this very process: what was sent as `__proto__` would be seen here.
  assert.deepEqual(Object.keys(Object.prototype), [])
}

interface Case {
  readonly door: Door
  readonly route: Route
}

const cases: Case[] = doors.flatMap((door) => door.routes.map((route) => ({ door, route })))

/** Routes that take JSON. */
const taking = cases.filter(({ route }) => route.body)

const targetOf = ({ door, route }: Case, param: string): string =>
  door.base + route.path.replace(/[:*]\w+/g, () => param)

/** What a route is usually sent beside its path. */
function usualBody({ body, takes, example }: Route): Piece {
  if (body) return asJson(JSON.stringify(example?.body ?? {}))
  if (takes?.startsWith('multipart/'))
    return { body: formBytes([{ filename: 'c.txt', value: 'c' }]), headers: { 'Content-Type': formType } }
  return takes === undefined ? {} : { body: 'raw' }
}

interface Effort {
  readonly runs: number
  /** In which all routes together are tried: a slow machine tries less. */
  readonly ms: number
}

/** Does nothing any more once the time is over; the first is done in any case. (fast-check's own limit fails without one.) */
function within(ms: number): (work: () => Promise<unknown>) => Promise<void> {
  const end = performance.now() + ms
  let done = 0
  return async (work) => {
    if (done++ === 0 || performance.now() < end) await work()
  }
}

/**
 * Sends each of the routes what its arbitrary says in place of what is usual, as somebody and as nobody. Those that try a
 * secret work hard for each try, and get fewer.
 */
async function fuzz(
  which: readonly Case[],
  { runs, ms }: Effort,
  what: (one: Case, who: Someone) => Arbitrary<Partial<Sent>>,
): Promise<void> {
  const who = await Someone.new()
  const end = performance.now() + ms * times
  for (const [n, one] of which.entries()) {
    const limited = within((end - performance.now()) / (which.length - n))
    const property = fc.asyncProperty(what(one, who), by, (some, as) => limited(() => knock(who, one, some, as)))
    const numRuns = Math.ceil((one.route.counts === 'auth' ? runs / 3 : runs) * times)
    await fc.assert(property, { seed: seed + n, numRuns })
  }
  await mustBeWell()
}

async function knock(who: Someone, { door, route }: Case, some: Partial<Sent>, as: By): Promise<Answer> {
  const usual = usualBody(route)
  const headers = { ...who.headers(as), ...who.usual(route), ...usual.headers, ...some.headers }
  const target = targetOf({ door, route }, who.param(route))
  const sent = { method: route.method.toUpperCase(), target, ...usual, ...some, headers }
  const answer = await send(sent)
  check(door, route, sent, answer)
  if (answer.status === 401 && as === 'token') await who.renew()
  return answer
}

test('Every route answers any JSON in its own words, and never with a fault of ours', async () => {
  await fuzz(taking, { runs: 100, ms: 5_000 }, ({ route }) => {
    const text = fc.oneof({ weight: 4, arbitrary: fitting(shapeOf(route.body)) }, { weight: 1, arbitrary: json })
    return fc.oneof({ weight: 3, arbitrary: text.map(asJson) }, { weight: 1, arbitrary: spoilt(text) })
  })
})

test('Every route answers JSON that is as deep or as many-keyed as a body may be', async () => {
  const many = Array.from({ length: 80_000 }, (_, n) => `"key ${n}":0`)
  await fuzz(taking, { runs: 1, ms: 1_000 }, () => fc.constant(asJson(`{${many}}`)))
  await fuzz(taking, { runs: 1, ms: 1_000 }, ({ route }) => {
    const [name = ''] = namesOf(route.body)
    return fc.constant(asJson(`{${JSON.stringify(name)}:${nested('[', ']', 500_000)}}`))
  })
})

test('What is wrong with a body is told in few words, however much is wrong', async () => {
  const long = JSON.stringify('a'.repeat(1_000_000))
  const many = Array.from({ length: 50_000 }, (_, n) => `"key ${n}":0`)
  const who = await Someone.new()
  const talkative = new Set<string>()
  for (const one of taking) {
    const own = namesOf(one.route.body).flatMap((name) => [`{"${name}":${long}}`, `{"name":"a","${name}":[${long}]}`])
    for (const text of [`{${many}}`, `{${long}:1}`, ...own]) {
      const { status, text: said } = await knock(who, one, asJson(text), 'token')
      if (status >= 400 && said.length > 10_000)
        talkative.add(`${one.door.name} ${one.route.path}: ${said.slice(0, 80)}`)
    }
  }
  assert.deepEqual([...talkative], [])
})

test('A list that is too long is refused before each of its items is', () => {
  const tooLong = Array.from({ length: 10_001 }, () => 1)
  const eager: string[] = []
  for (const { door, route } of taking) {
    for (const name of namesOf(route.body)) {
      const result = route.body?.safeParse({ ...(route.example?.body as object), [name]: tooLong })
      if ((result?.error?.issues.length ?? 0) > 1_000) eager.push(`${door.name} ${route.path}: ${name}`)
    }
  }
  assert.deepEqual(eager, [])
})

test('Every route answers any query in its own words', async () => {
  const withQuery = cases.filter(({ route }) => route.query)
  const others = cases.filter(({ route }) => !route.query)
  const query = (one: Case, who: Someone) =>
    queryWith(namesOf(one.route.query)).map((text) => ({ target: targetOf(one, who.param(one.route)) + text }))
  await fuzz(withQuery, { runs: 80, ms: 1_500 }, query)
  await fuzz(others, { runs: 12, ms: 1_500 }, query)
})

test('Every route with a parameter in its path answers any parameter in its own words', async () => {
  // Nothing at all is another path, which may be another route's.
  const params = escaped.filter((text) => text !== '')
  const withParam = cases.filter(({ route }) => route.path.includes(':'))
  await fuzz(withParam, { runs: 60, ms: 1_500 }, (one) => params.map((param) => ({ target: targetOf(one, param) })))
})

test('Every route answers any header in its own words', async () => {
  await fuzz(cases, { runs: 25, ms: 2_500 }, ({ route }) => {
    const names = fc.constantFrom(...headerNames, ...Object.keys(route.headers ?? {}))
    return fc.array(fc.tuple(names, headerValue), { minLength: 1, maxLength: 3 }).map((headers) => ({
      headers: Object.fromEntries(headers),
    }))
  })
})

test('Every route that takes files answers any form and any bytes in its own words', async () => {
  const names = fc.constantFrom('folderId', 'description', 'tags', 'public', 'redirect', '__proto__', '', 'file')
  const value = string.map((text) => text.toWellFormed())
  const part = fc.record(
    {
      name: names,
      filename: value.map((text) => text.replace(/[\r\n"]/g, '')),
      type: fc.constantFrom('image/png', 'application/octet-stream', 'text/html', ...types),
      value,
    },
    { requiredKeys: ['name', 'value'] },
  )
  const field = fc.record({ name: names.filter((name) => name !== 'file'), value })
  const parts = fc.oneof(
    fc.array(part, { maxLength: 4 }),
    fc.array(field, { maxLength: 4 }).map((fields) => [...fields, { filename: 'd.txt', value: 'd' }]),
  )
  const forms = parts.map((all) => ({
    body: formBytes(all),
    headers: { 'Content-Type': formType, Accept: 'text/html' },
  }))
  const bytes = fc
    .tuple(fc.uint8Array({ maxLength: 200 }), headerValue, fc.constantFrom('text/plain', ...types))
    .map(([body, name, type]) => ({ body, headers: { 'x-file-name': name, 'Content-Type': type } }))
  await fuzz(
    cases.filter(({ route }) => route.takes),
    { runs: 150, ms: 1_500 },
    () => fc.oneof(forms, bytes),
  )
})

test('Pages and media answer any query, path and form without a fault of ours', async () => {
  const who = await Someone.new()
  const { token } = await newSession(app, await app.accounts.named(who.email), 'page')
  const headers = { Cookie: `larder_session=${token}`, Origin: app.url, ...asForm }
  const names = ['token', 'email', 'password', 'page', 'name', 'scope', 'path_prefix', 'days', 'public', 'notice']
  const media = ['/m/:id', '/d/:id', '/m/:id/name', '/d/:id/name'].map((path) => ({ method: 'get', path }))
  // It would end the session that all the others need.
  const limited = within(1_500 * times)
  const others = pages.filter(({ path }) => !path.endsWith('/sign-out'))
  const property = fc.asyncProperty(
    fc.constantFrom(...others, ...media),
    escaped,
    fc.boolean(),
    queryWith(names),
    queryWith(names),
    ({ method, path }, param, isReal, query, form) =>
      limited(async () => {
        const id = isReal && method === 'get' ? who.real.fileId : param
        const target = path.replace(/[:*]\w+/g, () => id) + query
        const sent = { method: method.toUpperCase(), target, headers }
        check(undefined, undefined, sent, await send(method === 'post' ? { ...sent, body: form.slice(1) } : sent))
      }),
  )
  await fc.assert(property, { seed, numRuns: 400 * times })
  await mustBeWell()
})

test('Every route answers headers of any bytes, or leaves them to the parser to refuse', async () => {
  const who = await Someone.new()
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((raw) => Buffer.from(raw.filter((byte) => byte !== 10 && byte !== 13))),
    string.map((text) => Buffer.from(text.replace(/[\r\n]/g, ''))),
    fc.constantFrom('a\r\n b', 'a\r\n\tb', '', 'a'.repeat(20_000)).map((text) => Buffer.from(text)),
  )
  const lines = fc.array(fc.tuple(fc.constantFrom(...headerNames), bytes), { minLength: 1, maxLength: 4 })
  const limited = within(1_500 * times)
  const property = fc.asyncProperty(fc.constantFrom(...cases), lines, ({ door, route }, headers) =>
    limited(async () => {
      const sent = { method: route.method.toUpperCase(), target: targetOf({ door, route }, who.param(route)) }
      const { body = '', headers: usual } = usualBody(route)
      const known = { ...who.headers('token'), ...usual, 'Content-Length': Buffer.byteLength(body) }
      const head = requestHead(sent.method, sent.target, { Connection: 'close', ...known }).slice(0, -2)
      const more = headers.flatMap(([name, value]) => [Buffer.from(`${name}: `), value, Buffer.from('\r\n')])
      const connection = await RawConnection.open(app.url)
      connection.send(Buffer.concat([Buffer.from(head), ...more, Buffer.from('\r\n'), Buffer.from(body)]))
      const answer = await connection.answer().finally(() => connection.socket.destroy())
      check(door, route, sent, { ...answer, text: answer.body.toString() })
      if (answer.status === 401) await who.renew()
    }),
  )
  await fc.assert(property, { seed, numRuns: 300 * times })
  await mustBeWell()
})
