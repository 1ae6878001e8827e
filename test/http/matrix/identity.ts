import { everyones, isOther, managing, type Rows, scoped, shownFault, whoever } from './rows.ts'

const base = '/identity'
const noProject = { codes: { 404: 'project_not_found' } }

interface List {
  data: { items: { id: string }[] }
}

const verification: Rows = {
  'identity post /auth/verification/send-code': {
    call: () => ({ path: `${base}/auth/verification/send-code`, json: { email: 'other@example.org' } }),
    expected: whoever(202),
  },
  'identity post /auth/verification/verify-code': {
    call: () => ({ path: `${base}/auth/verification/verify-code`, json: { email: 'nobody@example.org', code: '0' } }),
    expected: whoever(401),
    codes: { 401: 'invalid_code' },
  },
  'identity post /auth/verification/refresh-token': {
    call: ({ ownerId }) => ({
      path: `${base}/auth/verification/refresh-token`,
      json: { refresh_token: 'unknown', user_uuid: ownerId },
    }),
    expected: whoever(401),
  },
  'identity post /auth/verification/revoke-token': {
    call: () => ({ path: `${base}/auth/verification/revoke-token`, json: { refresh_token: 'unknown' } }),
    expected: whoever(200),
  },
}

const keys: Rows = {
  'identity get /auth/api-keys': {
    call: ({ projectId }) => ({ path: `${base}/auth/api-keys`, headers: { 'x-project-id': projectId } }),
    expected: managing({ owner: 200, another: 404, prefixed: 200 }),
    ...noProject,
    fault: (who, body: List, { keyId }) => shownFault(who, body.data.items, keyId),
  },
  'identity get /auth/api-keys with a final slash': {
    call: ({ projectId }) => ({ path: `${base}/auth/api-keys/`, headers: { 'x-project-id': projectId } }),
    expected: managing({ owner: 200, another: 404, prefixed: 200 }),
    ...noProject,
  },
  'identity get /auth/api-keys without a project': {
    call: () => ({ path: `${base}/auth/api-keys` }),
    expected: managing({ owner: 422, another: 422, prefixed: 422 }),
  },
  'identity post /auth/api-keys': {
    call: ({ projectId }) => ({
      path: `${base}/auth/api-keys`,
      headers: { 'x-project-id': projectId },
      json: { name: 'new', expires_in_days: null, scopes: null },
    }),
    expected: managing({ owner: 201, another: 404, prefixed: 201 }),
    ...noProject,
  },
  'identity delete /auth/api-keys/:key_id': {
    call: ({ projectId, keyId }) => ({
      path: `${base}/auth/api-keys/${keyId}`,
      headers: { 'x-project-id': projectId },
    }),
    expected: managing({ owner: 200, another: 404, prefixed: 404 }),
    destroys: true,
    codes: { 404: (who) => (isOther(who) ? 'project_not_found' : 'not_found') },
  },
}

const projects: Rows = {
  'identity get /projects': {
    call: () => ({ path: `${base}/projects?limit=100` }),
    expected: everyones(200),
    fault: (who, body: List, { projectId }) =>
      shownFault(isOther(who) ? who : "the owner's key", body.data.items, projectId),
  },
  'identity post /projects': {
    call: () => ({ path: `${base}/projects`, json: { name: 'new' } }),
    expected: managing({ owner: 201, another: 201, prefixed: 201 }),
  },
  'identity get /projects/:id': {
    call: ({ projectId }) => ({ path: `${base}/projects/${projectId}` }),
    expected: scoped({ owner: 200, another: 404, prefixed: 200 }),
    ...noProject,
  },
  'identity patch /projects/:id': {
    call: ({ projectId }) => ({ path: `${base}/projects/${projectId}`, json: { name: 'renamed' } }),
    expected: managing({ owner: 200, another: 404, prefixed: 200 }),
    ...noProject,
  },
  'identity delete /projects/:id': {
    call: ({ projectId }) => ({ path: `${base}/projects/${projectId}` }),
    expected: managing({ owner: 200, another: 404, prefixed: 403 }),
    destroys: true,
    ...noProject,
  },
}

export const identityRows: Rows = {
  ...verification,
  'identity get /auth/users/me': {
    call: () => ({ path: `${base}/auth/users/me` }),
    expected: everyones(200),
    fault: (who, body: { data: { id: string } }, { ownerId, otherId }) =>
      body.data.id === (isOther(who) ? otherId : ownerId) ? undefined : 'is about somebody else',
  },
  ...keys,
  ...projects,
}
