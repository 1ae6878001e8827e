import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import type { Need } from '../../../src/core/caller.ts'
import type { KeyWish } from '../../../src/core/keys.ts'
import { type Account, scopes } from '../../../src/core/model.ts'
import { newKey } from '../../../src/core/secrets.ts'
import { type TestApp, withKey } from '../../support/app.ts'
import { signedIn } from '../../support/atiru.ts'
import type { MovingClock } from '../../support/clock.ts'
import { Visitor } from '../../support/dashboard.ts'
import { newSession } from '../../support/session.ts'

/** Everybody who may knock: first those whom nobody knows, then those who may not do the thing, then those who may. */
export const callers = [
  'no key',
  'malformed key',
  'unknown key',
  'revoked key',
  'expired key',
  'expired token',
  'forged token',
  "an ended session's token",
  "a disabled account's key",
  "a disabled account's token",
  'wrong scope',
  'outside the prefix',
  "another's key",
  "another's token",
  "another's page session",
  "the owner's page session",
  "the owner's atiru key",
  "the owner's key",
  "the owner's token",
] as const
export type Who = (typeof callers)[number]

/** The headers that a caller sends itself known by. */
type Credential = Readonly<Record<string, string>>

export interface Callers {
  /** @param need of the route that is called: what a key lacks depends on it. */
  credential(who: Who, need: Need | null): Credential
  /** Lets the account of a caller come in anew, whose sessions were ended. */
  renew(who: Who): Promise<void>
  readonly other: Account
}

const password = 'correct horse'
const emails = { owner: 'owner@example.org', other: 'other@example.org', shut: 'shut@example.org' }
/** Past an access token's life. */
const twoHoursMs = 7_200_000

const withCookie = (session: string): Credential => ({ Cookie: `larder_session=${session}` })

/** Makes them all. What is over by the clock was good once, and the server knows it: the clock goes ahead in between. */
export async function openCallers(app: TestApp, clock: MovingClock): Promise<Callers> {
  const other = await app.newAccount(emails.other)
  const shut = await app.newAccount(emails.shut)
  const owner = new Visitor(app)
  await owner.post('/app/set-up', { token: app.firstSecrets?.setUpToken ?? '', email: emails.owner, password })
  const token = (email: string) => signedIn(app, email).then((session) => session.access_token)
  const cookie = async (email: string) =>
    withCookie((await newSession(app, await app.accounts.named(email), 'page')).token)
  const key = async (wish: Partial<KeyWish> = {}, account?: Account) => withKey((await app.newKey(wish, account)).text)
  const credentials = new Map<Who, Credential>()
  const has = (who: Who, credential: Credential): unknown => credentials.set(who, credential)

  has('expired key', await key({ expiresAt: clock.now() + 60_000 }))
  has('expired token', withKey(await token(emails.owner)))
  for (const who of ['expired key', 'expired token'] as const) await mustKnow(app, credentials.get(who))
  clock.aheadMs = twoHoursMs

  has("a disabled account's key", await key({}, shut))
  has("a disabled account's token", withKey(await token(emails.shut)))
  for (const by of ['key', 'token'] as const) await mustKnow(app, credentials.get(`a disabled account's ${by}`))
  await app.accounts.setDisabled(shut, true)

  has("an ended session's token", withKey(await token(emails.owner)))
  await logOut(app, credentials.get("an ended session's token"))

  const revoked = await app.newKey()
  await app.catalogue.write.revokeKey({ id: revoked.id, now: clock.now() })
  has('no key', {})
  has('malformed key', withKey(`${app.key.slice(0, -1)}${app.key.endsWith('0') ? '1' : '0'}`))
  has('unknown key', withKey(newKey('ak')))
  has('revoked key', withKey(revoked.text))
  has('outside the prefix', await key({ pathPrefix: 'elsewhere/' }))
  has("another's key", await key({}, other))
  has("another's token", withKey(await token(emails.other)))
  has("another's page session", await cookie(emails.other))
  has("the owner's page session", withCookie(owner.session))
  has("the owner's atiru key", await key({ kind: 'atiru' }))
  has("the owner's key", withKey(app.key))
  const good = await token(emails.owner)
  has("the owner's token", withKey(good))
  has('forged token', withKey(await forged(good)))
  const lacking = await lackingKeys(key)

  return {
    other,
    credential: (who, need) => (who === 'wrong scope' ? lacking(need) : credentials.get(who)) ?? {},
    renew: async (who) => {
      const whose = who.startsWith('another') ? 'other' : 'owner'
      const name = whose === 'other' ? 'another' : 'the owner'
      has(`${name}'s token`, withKey(await token(emails[whose])))
      has(`${name}'s page session`, await cookie(emails[whose]))
    },
  }
}

/** For each need a key of the owner's that has all but what is needed; where that is no scope, one that names all of them. */
async function lackingKeys(key: (wish: Partial<KeyWish>) => Promise<Credential>) {
  const made = new Map<Need | null, Credential>()
  for (const scope of scopes) made.set(scope, await key({ scopes: scopes.filter((one) => one !== scope) }))
  const named = await key({ scopes: [...scopes] })
  return (need: Need | null) => made.get(need === 'requests:read' ? 'user:read' : need) ?? named
}

/** A token that says the same, of the same session, signed with a key that only its maker knows. */
function forged(token: string): Promise<string> {
  const { alg = '', ...header } = decodeProtectedHeader(token)
  return new SignJWT(decodeJwt(token)).setProtectedHeader({ ...header, alg }).sign(randomBytes(32))
}

async function mustKnow(app: TestApp, headers: Credential = {}): Promise<void> {
  const response = await fetch(`${app.url}/api/v1/user/stats`, { headers })
  assert.equal(response.status, 200, await response.text())
}

async function logOut(app: TestApp, headers: Credential = {}): Promise<void> {
  await mustKnow(app, headers)
  const response = await fetch(`${app.url}/auth/logout`, { method: 'POST', headers })
  assert.equal(response.status, 204, await response.text())
}
