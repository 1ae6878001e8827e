import { formWith } from '../../support/app.ts'
import { type Rows, visited, whoever } from './rows.ts'

/** The password that everybody here has, and keeps. */
const same = 'correct horse'

/** Pages open to everybody. */
const open: Rows = {
  'dashboard get /': { call: () => ({ path: '/' }), expected: whoever(303) },
  'dashboard get /app': { call: () => ({ path: '/app' }), expected: whoever(303) },
  'dashboard get /app/style.css': { call: () => ({ path: '/app/style.css' }), expected: whoever(200) },
  'dashboard get /app/icon.svg': { call: () => ({ path: '/app/icon.svg' }), expected: whoever(200) },
  'dashboard get /app/set-up': { call: () => ({ path: '/app/set-up?token=unknown' }), expected: whoever(404) },
  'dashboard post /app/set-up': {
    call: () => ({
      path: '/app/set-up',
      isPage: true,
      fields: { token: 'x', email: 'a@b.c', password: 'long enough' },
    }),
    expected: whoever(404),
  },
  'dashboard get /app/sign-in': { call: () => ({ path: '/app/sign-in' }), expected: signedInLeave(200) },
  'dashboard post /app/sign-in': {
    call: () => ({ path: '/app/sign-in', isPage: true, fields: { email: 'other@example.org', password: 'wrong' } }),
    expected: whoever(401),
  },
}

/** Ways in and back in. (Registration is closed.) */
const ways: Rows = {
  'dashboard get /app/register': { call: () => ({ path: '/app/register' }), expected: whoever(403) },
  'dashboard post /app/register': {
    call: () => ({ path: '/app/register', isPage: true, fields: { email: 'a@b.c', password: 'long enough' } }),
    expected: whoever(403),
  },
  'dashboard get /app/register/sent': { call: () => ({ path: '/app/register/sent' }), expected: whoever(200) },
  'dashboard get /app/forgot': { call: () => ({ path: '/app/forgot' }), expected: whoever(200) },
  'dashboard post /app/forgot': {
    call: () => ({ path: '/app/forgot', isPage: true, fields: { email: 'other@example.org' } }),
    expected: whoever(303),
  },
  'dashboard get /app/forgot/sent': { call: () => ({ path: '/app/forgot/sent' }), expected: whoever(200) },
  'dashboard get /app/reset': { call: () => ({ path: '/app/reset?token=unknown' }), expected: whoever(404) },
  'dashboard post /app/reset': {
    call: () => ({ path: '/app/reset', isPage: true, fields: { token: 'unknown', password: 'long enough' } }),
    expected: whoever(404),
  },
}

/** Pages for whoever is signed in. */
const own: Rows = {
  'dashboard get /app/': { call: () => ({ path: '/app/' }), expected: visited(200, 200) },
  'dashboard post /app/upload': {
    call: () => ({ path: '/app/upload', isPage: true, form: formWith('', '', 'text/plain') }),
    expected: visited(400, 400),
  },
  'dashboard get /app/files/:id/download': {
    call: ({ privateId }) => ({ path: `/app/files/${privateId}/download` }),
    expected: visited(404, 200),
  },
  'dashboard post /app/files/:id/public': {
    call: ({ fileId }) => ({ path: `/app/files/${fileId}/public`, isPage: true, fields: { public: 'off' } }),
    expected: visited(404, 303),
  },
  'dashboard post /app/files/:id/delete': {
    call: ({ fileId }) => ({ path: `/app/files/${fileId}/delete`, isPage: true, fields: {} }),
    expected: visited(404, 303),
    destroys: true,
  },
  'dashboard get /app/keys': { call: () => ({ path: '/app/keys' }), expected: visited(200, 200) },
  'dashboard post /app/keys': {
    call: () => ({ path: '/app/keys', isPage: true, fields: { name: '', days: 'no such choice' } }),
    expected: visited(400, 400),
  },
  'dashboard get /app/keys/made/:id': { call: () => ({ path: '/app/keys/made/unknown' }), expected: visited(303, 303) },
  'dashboard post /app/keys/:id/revoke': {
    call: ({ keyId }) => ({ path: `/app/keys/${keyId}/revoke`, isPage: true, fields: {} }),
    expected: visited(404, 303),
    destroys: true,
  },
  'dashboard get /app/account': { call: () => ({ path: '/app/account' }), expected: visited(200, 200) },
  'dashboard post /app/account': {
    call: () => ({ path: '/app/account', isPage: true, fields: { old_password: same, new_password: same } }),
    expected: visited(303, 303),
    endsSession: true,
  },
  'dashboard post /app/account with a wrong password': {
    call: () => ({ path: '/app/account', isPage: true, fields: { old_password: 'wrong', new_password: same } }),
    expected: visited(401, 401),
  },
  'dashboard post /app/sign-out': {
    call: () => ({ path: '/app/sign-out', isPage: true, fields: {} }),
    expected: visited(303, 303),
    endsSession: true,
  },
}

export const dashboardRows: Rows = { ...open, ...ways, ...own }

/** A page for those who are not signed in: the others are led on. */
function signedInLeave(status: number) {
  return { ...whoever(status), "another's page session": 303, "the owner's page session": 303 }
}
