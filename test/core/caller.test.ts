import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Caller, type Need, prefixOf, requireMay } from '../../src/core/caller.ts'
import { isFailure, type Needed } from '../../src/core/failure.ts'
import type { Account, Key, LinkPurpose, RequestLink } from '../../src/core/model.ts'

const account: Account = {
  id: 'account',
  email: 'ada@example.org',
  isOwner: false,
  verifiedAt: 1,
  disabledAt: null,
  hasPassword: true,
  createdAt: 1,
  updatedAt: 1,
  plan: null,
  planSince: null,
  accessUntil: null,
  publicUrlBase: null,
  maxUploadBytes: null,
  actor: null,
  actorType: null,
}

function byKey(wish: Partial<Pick<Key, 'kind' | 'scopes' | 'pathPrefix' | 'expiresAt'>> = {}): Caller {
  const key: Key = {
    id: 'key',
    accountId: account.id,
    kind: 'ak',
    hint: 'ak_xxxx',
    name: '',
    scopes: null,
    pathPrefix: null,
    createdAt: 1,
    expiresAt: null,
    revokedAt: null,
    projectId: 'project',
    ...wish,
  }
  return { account, by: 'key', key }
}

function bySession(kind: 'page' | 'api'): Caller {
  return { account, by: 'session', session: { id: 'session', accountId: account.id, kind, expiresAt: 2 } }
}

const requestLink: RequestLink = {
  id: 'request',
  token: 'token',
  accountId: account.id,
  entryId: 'entry',
  ttlSeconds: 60,
  maxFiles: null,
  maxBytes: null,
  files: 0,
  bytes: 0,
  createdAt: 1,
  expiresAt: 2,
}

const callers = {
  'a log-in at a page': bySession('page'),
  'an access token': bySession('api'),
  'a key': byKey(),
  'a key of Storage': byKey({ kind: 'sk' }),
  'a key of Atiru': byKey({ kind: 'atiru' }),
  'a key with an end': byKey({ expiresAt: 2 }),
  'a key with a folder': byKey({ pathPrefix: 'docs/' }),
  'a key to read files': byKey({ scopes: ['files:read'] }),
  'a key to write files': byKey({ scopes: ['files:write'] }),
  'a key to read about the user': byKey({ scopes: ['user:read'] }),
  'a key with all scopes by name': byKey({ scopes: ['files:read', 'files:write', 'user:read'] }),
  'a key to read about the user of a folder': byKey({ scopes: ['user:read'], pathPrefix: 'docs/' }),
  'a key with no scope at all': byKey({ scopes: [] }),
  'a link': { account, by: 'link', purpose: 'reset' },
  'a stranger asked to fill a folder': { account, by: 'request', request: requestLink, folder: 'docs/' },
} as const satisfies Record<string, Caller>

const needs = [
  'files:read',
  'files:write',
  'user:read',
  'requests:read',
  'settings:write',
  'keys:manage',
  'login',
  'password:choose',
] as const satisfies readonly Need[]

type Verdict = 'may' | Needed
const all = needs.map((): Verdict => 'may')
const key: Verdict[] = ['may', 'may', 'may', 'may', 'may', 'may', 'login', 'login']

/** For each caller what comes of each need, in their order: it may, or what it lacks. */
const table: Record<keyof typeof callers, readonly Verdict[]> = {
  'a log-in at a page': all,
  'an access token': all,
  'a key': key,
  'a key of Storage': key,
  'a key of Atiru': ['may', 'may', 'may', 'may', 'may', 'login', 'login', 'login'],
  'a key with an end': key,
  'a key with a folder': ['may', 'may', 'may', 'prefix', 'prefix', 'may', 'login', 'login'],
  'a key to read files': ['may', 'scope', 'scope', 'scope', 'full_key', 'full_key', 'login', 'login'],
  'a key to write files': ['scope', 'may', 'scope', 'scope', 'full_key', 'full_key', 'login', 'login'],
  'a key to read about the user': ['scope', 'scope', 'may', 'may', 'full_key', 'full_key', 'login', 'login'],
  'a key with all scopes by name': ['may', 'may', 'may', 'may', 'full_key', 'full_key', 'login', 'login'],
  'a key to read about the user of a folder': [
    'scope',
    'scope',
    'may',
    'prefix',
    'full_key',
    'full_key',
    'login',
    'login',
  ],
  'a key with no scope at all': ['scope', 'scope', 'scope', 'scope', 'full_key', 'full_key', 'login', 'login'],
  'a link': ['login', 'login', 'login', 'login', 'login', 'login', 'login', 'may'],
  'a stranger asked to fill a folder': ['login', 'may', 'login', 'login', 'login', 'login', 'login', 'login'],
}

function verdictOf(caller: Caller, need: Need, path?: string): Verdict {
  try {
    requireMay(caller, need, path)
    return 'may'
  } catch (error) {
    if (!isFailure(error) || error.code !== 'forbidden') throw error
    return error.detail.needs
  }
}

test('What each caller may', () => {
  for (const [name, expected] of Object.entries(table)) {
    const caller = callers[name as keyof typeof callers]
    const verdicts = needs.map((need) => `${name}: ${need}: ${verdictOf(caller, need)}`)
    assert.deepEqual(
      verdicts,
      needs.map((need, n) => `${name}: ${need}: ${expected[n]}`),
    )
  }
})

test('A link may choose a password and nothing else, and one that confirms a registration not even that', () => {
  const purposes: LinkPurpose[] = ['set-up', 'confirm', 'reset']
  for (const purpose of purposes) {
    const caller: Caller = { account, by: 'link', purpose }
    assert.deepEqual(
      needs.filter((need) => verdictOf(caller, need) === 'may'),
      purpose === 'confirm' ? [] : ['password:choose'],
    )
  }
})

test('A key is held to its folder, with all that lies below, for each of its scopes', () => {
  const caller = callers['a key with a folder']
  for (const need of ['files:read', 'files:write', 'user:read'] as const) {
    for (const path of ['docs/', 'docs/a.txt', 'docs/deep/er/', 'docs//'])
      assert.equal(verdictOf(caller, need, path), 'may')
    for (const path of ['', 'docs', 'docs.txt', 'docs-old/', 'Docs/a.txt', 'other/docs/a.txt', '/docs/', ' docs/']) {
      assert.equal(verdictOf(caller, need, path), 'prefix', path)
    }
  }
})

test('Who is asked to fill a folder may add to that folder, and look at nothing', () => {
  const caller = callers['a stranger asked to fill a folder']
  for (const path of ['docs/', 'docs/a.txt', 'docs/deep/er/'])
    assert.equal(verdictOf(caller, 'files:write', path), 'may')
  for (const path of ['', 'docs', 'docs-old/', 'other/docs/a.txt'])
    assert.equal(verdictOf(caller, 'files:write', path), 'login', path)
  assert.equal(verdictOf(caller, 'files:read', 'docs/a.txt'), 'login')
})

test('A scope that is missing is told before a folder that is wrong, and both by their names', () => {
  const caller = byKey({ scopes: ['files:read'], pathPrefix: 'docs/' })
  const detailOf = (need: Need, path: string): unknown => {
    try {
      requireMay(caller, need, path)
      return undefined
    } catch (error) {
      return isFailure(error) ? error.detail : error
    }
  }
  assert.deepEqual(detailOf('files:write', 'elsewhere'), { needs: 'scope', detail: 'files:write' })
  assert.deepEqual(detailOf('files:read', 'elsewhere'), { needs: 'prefix', detail: 'docs/' })
  assert.equal(detailOf('files:read', 'docs/a.txt'), undefined)
})

test('Who has no folder has the whole tree', () => {
  for (const [name, caller] of Object.entries(callers)) {
    assert.equal(prefixOf(caller), name.includes('folder') ? 'docs/' : null, name)
    if (verdictOf(caller, 'files:read') === 'may' && prefixOf(caller) === null) {
      assert.equal(verdictOf(caller, 'files:read', 'anywhere/at/all'), 'may')
    }
  }
})
