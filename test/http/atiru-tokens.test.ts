import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, test } from 'node:test'
import { type CryptoKey, decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { rotateSigningKey } from '../../src/tokens/index.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { atiru, newPerson, refusal, type Session, signedIn } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { newSession } from '../support/session.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const hour = 3_600_000
const app = await openTestApp(thisFile, {}, { clock })
const { session } = await newPerson(app)
const other = await newPerson(app, 'other@example.org')

interface KeyFile {
  readonly issuer: string
  readonly keys: readonly { readonly id: string; readonly secret: string }[]
}

const keyFileOf = async (of: TestApp): Promise<KeyFile> =>
  JSON.parse(await readFile(join(of.folder, 'tokens.json'), 'utf8')) as KeyFile

const secretOf = (text = ''): Buffer => Buffer.from(text, 'base64url')
const [signing] = (await keyFileOf(app)).keys
const ours = secretOf(signing?.secret)
const header = decodeProtectedHeader(session.access_token)
const claims = decodeJwt(session.access_token)

/** A token of our own making: with the server's own key and as the server makes them, but for what is changed. */
function forged(change: {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  key?: Uint8Array | CryptoKey
}): Promise<string> {
  const payload = { ...claims, ...change.claims } as JWTPayload
  const all = { ...header, alg: 'HS256', ...change.header }
  return new SignJWT(payload).setProtectedHeader(all).sign(change.key ?? ours)
}

async function opens(token: string): Promise<boolean> {
  const answer = await atiru(app, 'GET', '/files', { key: token })
  if (answer.status !== 200) refusal(answer, 401, 'INVALID_OR_EXPIRED_TOKEN')
  return answer.status === 200
}

test('A token says who signs in, by which log-in, for what and until when, and nothing else', async () => {
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ'])
  assert.deepEqual([header.alg, header.typ, header.kid], ['HS256', 'at+jwt', signing?.id])
  assert.deepEqual(Object.keys(claims).sort(), ['exp', 'iat', 'iss', 'purpose', 'sid', 'sub'])
  assert.equal(claims.iss, (await keyFileOf(app)).issuer)
})

test('A token made with the real key as the server makes it is good: the forgeries below differ in one thing each', async () => {
  assert.ok(await opens(await forged({})))
})

const forgeries: Record<string, () => string | Promise<string>> = {
  'that is not signed at all': () => {
    const { iss = '', sub = '', exp = 0, iat = 0, ...rest } = claims
    const unsigned = new UnsecuredJWT(rest).setIssuer(iss).setSubject(sub).setExpirationTime(exp)
    return unsigned.setIssuedAt(iat).encode()
  },
  'that says it is not signed, with our header': () =>
    `${encoded({ ...header, alg: 'none' })}.${session.access_token.split('.')[1]}.`,
  'whose signature is cut off': () => session.access_token.replace(/[^.]*$/, ''),
  'signed with another key': () => forged({ key: new Uint8Array(32) }),
  'signed with another key that it names': () => forged({ key: new Uint8Array(32), header: { kid: randomUUID() } }),
  'without the name of a key': () => forged({ header: { kid: undefined } }),
  'that names the key by a path': () => forged({ header: { kid: '../../tokens.json' } }),
  'that brings its own key along': () =>
    forged({ key: new Uint8Array(32), header: { jwk: { kty: 'oct', k: encoded('0') } } }),
  'signed with another algorithm of the family': () =>
    forged({ key: Buffer.concat([ours, ours]), header: { alg: 'HS512' } }),
  'whose claims were changed after it was signed': () => {
    const [head, , signature] = session.access_token.split('.')
    return `${head}.${encoded({ ...claims, sub: other.account.id })}.${signature}`
  },
  'of another account with our log-in': () => forged({ claims: { sub: other.account.id } }),
  'of a log-in that is not known': () => forged({ claims: { sid: randomUUID() } }),
  'without a log-in': () => forged({ claims: { sid: undefined } }),
  'whose log-in is no text': () => forged({ claims: { sid: 5 } }),
  'of a page: its session is no log-in for programs': async () => {
    const { id } = await newSession(app, await app.accounts.named('ada@example.org'), 'page')
    return forged({ claims: { sid: id } })
  },
  'for another purpose': () => forged({ claims: { purpose: 'reset' } }),
  'without a purpose': () => forged({ claims: { purpose: undefined } }),
  'of another server': () => forged({ claims: { iss: `larder-${randomUUID()}` } }),
  'without an issuer': () => forged({ claims: { iss: undefined } }),
  'of another type': () => forged({ header: { typ: 'JWT' } }),
  'without a type': () => forged({ header: { typ: undefined } }),
  'without an end': () => forged({ claims: { exp: undefined } }),
  'whose end is a text': () => forged({ claims: { exp: '9999999999' } }),
  'that has ended': () => forged({ claims: { exp: Math.floor(Date.now() / 1000) } }),
  'that is not good yet': () => forged({ claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }),
  'with something critical that nobody knows': () => forgedCritical(),
  'in half': () => session.access_token.slice(0, session.access_token.length / 2),
  'without its last character': () => session.access_token.slice(0, -1),
  'with a fourth part': () => `${session.access_token}.${encoded('more')}`,
  'that is no token: a refresh token': () => session.refresh_token,
  'that is no token: three parts of nothing': () => 'a.b.c',
  'that is no token: a claim without JSON': () => `${encoded(header)}.${encoded('no JSON').slice(1)}.AAAA`,
}

function encoded(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

function forgedCritical(): Promise<string> {
  const all = { ...header, alg: 'HS256', crit: ['larder'], larder: true }
  return new SignJWT(claims).setProtectedHeader(all).sign(ours, { crit: { larder: true } })
}

for (const [which, forge] of Object.entries(forgeries)) {
  test(`Nobody is let in by a token ${which}`, async () => {
    assert.equal(await opens(await forge()), false)
  })
}

test('Nobody is let in by a token whose header names an algorithm of two keys, whatever it is signed with', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signed = (alg: string, key: unknown) => forged({ header: { alg }, key: key as CryptoKey })
  const tokens = [await signed('RS256', rsa.privateKey), await signed('ES256', curve.privateKey)]
  for (const alg of ['RS256', 'ES256', 'PS512', 'EdDSA', 'none', 'None', 'hs256']) {
    const [, payload, signature] = session.access_token.split('.')
    tokens.push(`${encoded({ ...header, alg })}.${payload}.${signature}`)
  }
  // The public key as an HMAC's secret: what a server that trusts the header would check it with.
  const text = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string
  tokens.push(await forged({ key: Buffer.from(text) }))
  for (const token of tokens) assert.equal(await opens(token), false, token)
})

test('The signing key is in a file that nobody else may read', async () => {
  assert.equal((await stat(join(app.folder, 'tokens.json'))).mode & 0o777, 0o600)
  assert.ok(ours.length >= 32)
  assert.ok(!(await app.wholeLog()).includes(signing?.secret ?? ''))
})

const kidOf = ({ access_token: token }: Session): string => decodeProtectedHeader(token).kid ?? ''
const rotateBeside = (of: TestApp): Promise<void> => rotateSigningKey({ dir: of.folder, clock, tokenLifeMs: hour })

test('A key made beside the running server signs from now on, and what the old one signed is good until it ends', async (t) => {
  const server = await openTestApp(t, {}, { clock })
  const { session: before } = await newPerson(server)
  await rotateBeside(server)
  const files = (one: Session) => atiru(server, 'GET', '/files', { key: one.access_token })
  assert.equal((await files(before)).status, 200)
  const after = await signedIn(server, 'ada@example.org')
  assert.notEqual(kidOf(after), kidOf(before))
  assert.deepEqual(
    (await keyFileOf(server)).keys.map(({ id }) => id),
    [kidOf(after), kidOf(before)],
  )
  assert.equal((await stat(join(server.folder, 'tokens.json'))).mode & 0o777, 0o600)
  for (const one of [before, after]) assert.equal((await files(one)).status, 200)
  clock.aheadMs = hour
  refusal(await files(before), 401, 'INVALID_OR_EXPIRED_TOKEN', /expired/)
})

test('A key that was retired two hours ago goes with the next one, and opens nothing from then on', async (t) => {
  const server = await openTestApp(t, {}, { clock })
  const { session: live } = await newPerson(server)
  const [stolen] = (await keyFileOf(server)).keys
  await rotateBeside(server)
  clock.aheadMs = 2 * hour
  await rotateBeside(server)
  const left = (await keyFileOf(server)).keys.map(({ id }) => id)
  assert.equal(left.length, 2)
  assert.ok(!left.includes(stolen?.id ?? ''))
  // Whoever has the old key and knows of a log-in that goes on could make a token that has not ended.
  const { exp = 0, ...rest } = decodeJwt(live.access_token)
  const head = { ...decodeProtectedHeader(live.access_token), alg: 'HS256' }
  const made = new SignJWT({ ...rest, exp: exp + (2 * hour) / 1000 }).setProtectedHeader(head)
  const key = await made.sign(secretOf(stolen?.secret))
  // The running server may take a moment to notice, and nobody else needs to sign in for it.
  const isRefused = async () => (await atiru(server, 'GET', '/files', { key })).status === 401
  await until('the old key to open nothing', isRefused, 4_000)
})

test('A key file that is gone, or half copied, beside the running server signs nobody out', async (t) => {
  const server = await openTestApp(t)
  const { session: live } = await newPerson(server)
  const path = join(server.folder, 'tokens.json')
  for (const damage of [() => rm(path), () => writeFile(path, '{"issuer":')]) {
    await damage()
    // The server looks at the file about once in a second.
    for (let n = 0; n < 3; n++) {
      const { status } = await atiru(server, 'GET', '/files', { key: live.access_token })
      assert.equal(status, 200)
      await new Promise((resolve) => setTimeout(resolve, 600))
    }
  }
})
