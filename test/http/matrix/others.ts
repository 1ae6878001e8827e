import { type Rows, whoever } from './rows.ts'

/** Media and health: a credential opens nothing there, and shuts nothing. */
export const otherRows: Rows = {
  'media get /m/:id': { call: ({ fileId }) => ({ path: `/m/${fileId}` }), expected: whoever(200) },
  'media get /m/:id of a private file': {
    call: ({ privateId }) => ({ path: `/m/${privateId}` }),
    expected: whoever(404),
    codes: { 404: 'FILE_NOT_FOUND' },
  },
  'media get /d/:id': { call: ({ fileId }) => ({ path: `/d/${fileId}` }), expected: whoever(200) },
  'media get /d/:id of a private file': {
    call: ({ privateId }) => ({ path: `/d/${privateId}` }),
    expected: whoever(404),
    codes: { 404: 'FILE_NOT_FOUND' },
  },
  'health get /healthz': { call: () => ({ path: '/healthz' }), expected: whoever(200) },
  'health get /readyz': { call: () => ({ path: '/readyz' }), expected: whoever(200) },
}
