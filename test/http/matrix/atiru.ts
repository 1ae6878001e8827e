import {
  everyones,
  isOther,
  listFault,
  loggedIn,
  owned,
  type Rows,
  scoped,
  shownFault,
  strangers,
  whoever,
} from './rows.ts'

const others = { email: 'other@example.org', password: 'correct horse' }
const noFile = { codes: { 404: 'FILE_NOT_FOUND' } }

const auth: Rows = {
  'atiru post /auth/register': {
    call: () => ({ path: '/auth/register', json: { email: 'new@example.org', password: 'long enough' } }),
    expected: whoever(403),
    codes: { 403: 'REGISTRATION_CLOSED' },
  },
  'atiru get /auth/confirm': {
    call: () => ({ path: '/auth/confirm?token=unknown' }),
    expected: whoever(404),
    // What looks ahead at links is told that there is something, and nothing is followed.
    head: whoever(302),
  },
  'atiru post /auth/login': { call: () => ({ path: '/auth/login', json: others }), expected: whoever(200) },
  'atiru post /auth/login with a wrong password': {
    call: () => ({ path: '/auth/login', json: { ...others, password: 'wrong' } }),
    expected: whoever(401),
    codes: { 401: 'INVALID_CREDENTIALS' },
  },
  'atiru post /auth/refresh': {
    call: () => ({ path: '/auth/refresh', json: { refresh_token: 'unknown' } }),
    expected: whoever(401),
    codes: { 401: 'INVALID_OR_EXPIRED_TOKEN' },
  },
  'atiru post /auth/logout': {
    call: () => ({ path: '/auth/logout' }),
    expected: loggedIn(204, 204),
    endsSession: true,
  },
  'atiru post /auth/forgot-password': {
    call: () => ({ path: '/auth/forgot-password', json: { email: others.email } }),
    expected: whoever(200),
  },
  'atiru post /auth/reset-password': {
    call: () => ({ path: '/auth/reset-password', json: { token: 'unknown', password: 'long enough' } }),
    expected: whoever(400),
  },
}

const keys: Rows = {
  'atiru post /auth/api-keys': {
    call: () => ({ path: '/auth/api-keys', json: { name: 'new' } }),
    expected: loggedIn(201, 201),
  },
  'atiru get /auth/api-keys': {
    call: () => ({ path: '/auth/api-keys' }),
    expected: loggedIn(200, 200),
    fault: (who, body: { api_keys: { id: string }[] }, { keyId }) => shownFault(who, body.api_keys, keyId),
  },
  'atiru delete /auth/api-keys/:id': {
    call: ({ keyId }) => ({ path: `/auth/api-keys/${keyId}` }),
    expected: loggedIn(204, 404),
    destroys: true,
  },
}

const files: Rows = {
  'atiru post /files': {
    call: () => ({ path: '/files', text: 'raw', headers: { 'Content-Type': 'text/plain', 'x-file-name': 'raw.txt' } }),
    expected: everyones(201),
  },
  'atiru get /files': {
    call: () => ({ path: '/files' }),
    expected: everyones(200),
    fault: (who, body: { files: unknown[] }) => listFault(who, body.files, 3),
  },
  'atiru get /files/:id': {
    call: ({ privateId }) => ({ path: `/files/${privateId}` }),
    expected: owned(200),
    ...noFile,
  },
  'atiru delete /files/:id': {
    call: ({ fileId }) => ({ path: `/files/${fileId}` }),
    expected: owned(204),
    destroys: true,
    ...noFile,
  },
  'atiru post /files/bulk-delete': {
    call: ({ fileId, privateId }) => ({ path: '/files/bulk-delete', json: { ids: [fileId, privateId] } }),
    expected: everyones(200),
    destroys: true,
    keeps: strangers,
    fault: (who, body: { deleted: number; errors: unknown[] }) => {
      const [deleted, kept] = strangers.includes(who) ? [0, 2] : [2, 0]
      return body.deleted === deleted && body.errors.length === kept ? undefined : JSON.stringify(body)
    },
  },
}

const account: Rows = {
  'atiru get /settings': {
    call: () => ({ path: '/settings' }),
    expected: everyones(200),
    fault: (who, body: { max_upload_size_bytes: number }) =>
      isOther(who) === (body.max_upload_size_bytes === 1_000_000) ? 'are not its own' : undefined,
  },
  'atiru patch /settings': {
    call: () => ({ path: '/settings', json: { max_upload_size_bytes: 2_000_000 } }),
    expected: scoped({ owner: 200, another: 200, prefixed: 403 }),
  },
  'atiru get /usage': {
    call: () => ({ path: '/usage' }),
    expected: everyones(200),
    fault: (who, body: { storage_bytes: number; files_count: number; origin_reads: number }) => {
      const total = body.storage_bytes + body.files_count + body.origin_reads
      return strangers.includes(who) === total > 0 ? `counts ${total}` : undefined
    },
  },
  'atiru get /logs': {
    call: () => ({ path: '/logs?limit=100' }),
    expected: scoped({ owner: 200, another: 200, prefixed: 403 }),
    // Only the owner has keys of Atiru's kind, and it has just called with one.
    fault: (who, body: { logs: { metadata: { key_prefix: string | null } }[] }) => {
      const isShown = body.logs.some(({ metadata }) => metadata.key_prefix?.startsWith('atiru_'))
      return isShown === isOther(who) ? 'are not its own' : undefined
    },
  },
  'atiru get /profile': {
    call: () => ({ path: '/profile' }),
    expected: everyones(200),
    fault: (who, body: { user: { id: string } }, { ownerId, otherId }) =>
      body.user.id === (isOther(who) ? otherId : ownerId) ? undefined : 'is about somebody else',
  },
}

const reference: Rows = Object.fromEntries(
  ['/reference', '/reference/openapi.json', '/reference/for-agents', '/reference/allowed-content-types'].map((path) => [
    `atiru get ${path}`,
    { call: () => ({ path }), expected: whoever(200) },
  ]),
)

export const atiruRows: Rows = { ...auth, ...keys, ...files, ...account, ...reference }
