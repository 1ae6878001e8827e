import { formWith } from '../../support/app.ts'
import { everyones, listFault, managing, type Rows, scoped, shownFault, strangers, whoever } from './rows.ts'

/** One about a path of the owner's: others have a tree of their own, in which it is missing. */
const owners = (status: number) => scoped({ owner: status, another: 404, prefixed: 403 })
/** One that does the same in everybody's own tree. */
const anyones = (owner: number, another = owner) => scoped({ owner, another, prefixed: 403 })

const files: Rows = {
  'storage get /files': {
    call: () => ({ path: '/storage/files' }),
    expected: everyones(200),
    fault: (who, body: { entries: unknown[] }) => listFault(who, body.entries, 1),
  },
  'storage get /files of a folder': {
    call: () => ({ path: '/storage/files?prefix=place' }),
    expected: anyones(200),
    fault: (who, body: { entries: unknown[] }) => listFault(who, body.entries, 4),
  },
  'storage get /files/search': {
    call: () => ({ path: '/storage/files/search?q=txt' }),
    expected: everyones(200),
    fault: (who, body: { results: unknown[] }) => listFault(who, body.results, 3),
  },
  'storage get /files/stats': {
    call: () => ({ path: '/storage/files/stats' }),
    expected: everyones(200),
    fault: (who, body: { files: number }) =>
      body.files === (strangers.includes(who) ? 0 : 3) ? undefined : `counts ${body.files}`,
  },
  'storage get /files/log': {
    call: () => ({ path: '/storage/files/log?limit=1000' }),
    expected: everyones(200),
    fault: (who, body: { events: { path: string }[] }) => {
      const isShown = body.events.some(({ path }) => path === 'place/c.txt')
      return isShown === !strangers.includes(who) ? undefined : `shows ${body.events.length} events`
    },
  },
  'storage get /files/*path': {
    call: () => ({ path: '/storage/files/place/c.txt' }),
    expected: owners(302),
    head: owners(200),
  },
  'storage get /files/*path as JSON': {
    call: () => ({ path: '/storage/files/place%2Fc.txt', headers: { Accept: 'application/json' } }),
    expected: owners(200),
  },
  'storage put /files/*path': {
    call: () => ({ path: '/storage/files/place/new.txt', text: 'new', headers: { 'Content-Type': 'text/plain' } }),
    expected: anyones(201),
    destroys: true,
  },
  'storage put /files/*path in place of another': {
    call: () => ({ path: '/storage/files/place/a.txt', text: 'new', headers: { 'Content-Type': 'text/plain' } }),
    expected: anyones(200, 201),
    destroys: true,
  },
  'storage delete /files/*path': {
    call: () => ({ path: '/storage/files/place/a.txt' }),
    expected: owners(200),
    destroys: true,
  },
  'storage delete /files/*path of a folder': {
    call: () => ({ path: '/storage/files/place/' }),
    expected: owners(200),
    destroys: true,
  },
  'storage post /files/mkdir': {
    call: () => ({ path: '/storage/files/mkdir', json: { path: 'place/made/' } }),
    expected: anyones(200),
    destroys: true,
  },
  'storage post /files/move': {
    call: () => ({ path: '/storage/files/move', json: { from: 'place/a.txt', to: 'place/moved.txt' } }),
    expected: owners(200),
    destroys: true,
  },
  'storage get /zip/': {
    call: () => ({ path: '/storage/zip/' }),
    expected: scoped({ owner: 200, another: 200, prefixed: 404 }),
  },
  'storage get /zip/*path': { call: () => ({ path: '/storage/zip/place/' }), expected: owners(200) },
}

const uploads: Rows = {
  'storage post /files/uploads': {
    call: () => ({ path: '/storage/files/uploads', json: { path: 'place/up.txt' } }),
    expected: anyones(200),
  },
  'storage post /files/uploads/complete': {
    call: () => ({ path: '/storage/files/uploads/complete', json: { path: 'place/never-sent.txt' } }),
    expected: anyones(404),
  },
  'storage post /files/uploads/multipart': {
    call: () => ({ path: '/storage/files/uploads/multipart', json: { path: 'place/parts.bin', part_count: 2 } }),
    expected: anyones(200),
  },
  'storage post /files/uploads/multipart/complete': {
    call: ({ uploadId }) => ({
      path: '/storage/files/uploads/multipart/complete',
      json: { path: 'place/big.bin', upload_id: uploadId, parts: [{ part_number: 1, etag: 'never-sent' }] },
    }),
    expected: scoped({ owner: 400, another: 404, prefixed: 403 }),
  },
  'storage post /files/uploads/multipart/abort': {
    call: ({ uploadId }) => ({
      path: '/storage/files/uploads/multipart/abort',
      json: { path: 'place/big.bin', upload_id: uploadId },
    }),
    expected: owners(200),
    destroys: true,
  },
  'storage get /uploads/:upload_id': {
    call: ({ uploadId }) => ({ path: `/storage/uploads/${uploadId}` }),
    expected: owners(200),
  },
}

const links: Rows = {
  'storage post /files/share': {
    call: () => ({ path: '/storage/files/share', json: { path: 'place/c.txt' } }),
    expected: owners(201),
  },
  'storage get /shares': {
    call: () => ({ path: '/storage/shares' }),
    expected: everyones(200),
    fault: (who, body: { shares: { token: string }[] }, { shareToken }) => shownToken(who, body.shares, shareToken),
  },
  'storage delete /shares/:token': {
    call: ({ shareToken }) => ({ path: `/storage/shares/${shareToken}` }),
    expected: scoped({ owner: 200, another: 404, prefixed: 404 }),
    destroys: true,
  },
  'storage post /requests': {
    call: () => ({ path: '/storage/requests', json: { path: 'place/' } }),
    expected: owners(201),
  },
  'storage get /requests': {
    call: () => ({ path: '/storage/requests' }),
    expected: everyones(200),
    fault: (who, body: { requests: { token: string }[] }, { requestToken }) =>
      shownToken(who, body.requests, requestToken),
  },
  'storage delete /requests/:token': {
    call: ({ requestToken }) => ({ path: `/storage/requests/${requestToken}` }),
    expected: scoped({ owner: 200, another: 404, prefixed: 404 }),
    destroys: true,
  },
}

const shownToken: (
  who: Parameters<typeof shownFault>[0],
  list: readonly { token: string }[],
  token: string,
) => string | undefined = (who, list, token) =>
  shownFault(
    who,
    list.map((one) => ({ id: one.token })),
    token,
  )

/** Where links lead, under both of their addresses: who asks does not matter, and a key opens nothing more. */
function linkRows(door: string, at: string, base: string): Rows {
  const of = (method: string, rest: string): string => `${door} ${method} ${at}${rest}`
  return {
    [of('get', '/:token')]: {
      call: ({ shareToken }) => ({ path: `${base}/s/${shareToken}` }),
      expected: whoever(302),
    },
    [`${of('get', '/:token')} that is not known`]: {
      call: () => ({ path: `${base}/s/unknown` }),
      expected: whoever(401),
      codes: { 401: 'unauthorized' },
    },
    [of('get', '/:token/')]: {
      call: ({ shareToken }) => ({ path: `${base}/s/${shareToken}/` }),
      expected: whoever(404),
    },
    [of('get', '/:token/*path')]: {
      call: ({ shareToken }) => ({ path: `${base}/s/${shareToken}/b.txt` }),
      expected: whoever(404),
    },
    [of('post', '/:token')]: {
      call: () => ({ path: `${base}/s/unknown`, fields: { password: 'x' } }),
      expected: whoever(401),
    },
    [of('post', '/:token/')]: {
      call: () => ({ path: `${base}/s/unknown/`, fields: { password: 'x' } }),
      expected: whoever(401),
    },
    [of('post', '/:token/*path')]: {
      call: () => ({ path: `${base}/s/unknown/b.txt`, fields: { password: 'x' } }),
      expected: whoever(401),
    },
  }
}

function requestRows(door: string, at: string, base: string): Rows {
  return {
    [`${door} get ${at}/:token`]: {
      call: ({ requestToken }) => ({ path: `${base}/r/${requestToken}` }),
      expected: whoever(200),
    },
    [`${door} post ${at}/:token`]: {
      call: ({ requestToken }) => ({ path: `${base}/r/${requestToken}`, form: formWith('dropped', 'dropped.txt') }),
      expected: whoever(201),
      destroys: true,
    },
  }
}

const auth: Rows = {
  'storage post /auth/register': {
    call: () => ({
      path: '/storage/auth/register',
      json: { actor: 'new', public_key: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' },
    }),
    expected: whoever(403),
  },
  'storage post /auth/challenge': {
    call: () => ({ path: '/storage/auth/challenge', json: { actor: 'nobody' } }),
    expected: whoever(404),
  },
  'storage post /auth/verify': {
    call: () => ({
      path: '/storage/auth/verify',
      json: { challenge_id: crypto.randomUUID(), actor: 'nobody', signature: Buffer.alloc(64).toString('base64') },
    }),
    expected: whoever(404),
  },
  'storage post /auth/magic-link': {
    call: () => ({ path: '/storage/auth/magic-link', json: { email: 'other@example.org' } }),
    expected: whoever(200),
  },
  'storage get /auth/magic/:token': {
    call: () => ({ path: '/storage/auth/magic/unknown' }),
    // Whoever is signed in at the pages is asked first.
    expected: { ...whoever(404), "another's page session": 200, "the owner's page session": 200 },
    head: whoever(302),
    looks: true,
  },
  'storage post /auth/magic/:token': {
    call: () => ({ path: '/storage/auth/magic/unknown', fields: {}, isPage: true }),
    expected: whoever(404),
  },
}

/** Whoever has a session has none afterwards; who has none need not worry; and a key has none to end. */
const loggedOut = {
  ...whoever(200),
  'malformed key': 401,
  'unknown key': 401,
  'revoked key': 401,
  'expired key': 401,
  'forged token': 401,
  "a disabled account's key": 403,
  'wrong scope': 403,
  'outside the prefix': 403,
  "another's key": 403,
  "the owner's atiru key": 403,
  "the owner's key": 403,
}

const logOut: Rows = {
  'storage post /auth/logout': {
    call: () => ({ path: '/storage/auth/logout', isPage: true }),
    expected: loggedOut,
    looks: true,
    endsSession: true,
  },
}

const keys: Rows = {
  'storage post /auth/keys': {
    call: () => ({ path: '/storage/auth/keys', json: { name: 'new' } }),
    expected: managing({ owner: 201, another: 201, prefixed: 201 }),
  },
  'storage get /auth/keys': {
    call: () => ({ path: '/storage/auth/keys' }),
    expected: managing({ owner: 200, another: 200, prefixed: 200 }),
    fault: (who, body: { keys: { id: string }[] }, { keyId }) => shownFault(who, body.keys, keyId),
  },
  'storage delete /auth/keys/:id': {
    call: ({ keyId }) => ({ path: `/storage/auth/keys/${keyId}` }),
    expected: managing({ owner: 200, another: 404, prefixed: 404 }),
    destroys: true,
  },
}

export const storageRows: Rows = {
  ...files,
  ...uploads,
  ...links,
  ...auth,
  ...logOut,
  ...keys,
  ...linkRows('storage', '/s', '/storage'),
  ...linkRows('shares', '', ''),
  ...requestRows('storage', '/r', '/storage'),
  ...requestRows('requests', '', ''),
}
