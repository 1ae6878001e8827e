import { formWith } from '../../support/app.ts'
import { everyones, listFault, owned, type Rows, strangers } from './rows.ts'

export const aetherRows: Rows = {
  'aether get /files': {
    call: () => ({ path: '/api/v1/files' }),
    expected: everyones(200),
    fault: (who, body: { files: unknown[] }) => listFault(who, body.files, 3),
  },
  'aether get /files in a folder': {
    call: ({ folderId }) => ({ path: `/api/v1/files?folderId=${folderId}` }),
    expected: owned(200),
  },
  'aether post /files/upload': {
    call: ({ folderId }) => ({
      path: '/api/v1/files/upload',
      form: formWith('new', 'new.txt', 'text/plain', { folderId }),
    }),
    expected: owned(201),
  },
  'aether get /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}` }),
    expected: owned(200),
  },
  'aether patch /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}`, json: { description: 'changed', public: false } }),
    expected: owned(200),
  },
  'aether delete /files/:id': {
    call: ({ fileId }) => ({ path: `/api/v1/files/${fileId}` }),
    expected: owned(200),
    destroys: true,
  },
  'aether get /files/:id/download': {
    call: ({ privateId }) => ({ path: `/api/v1/files/${privateId}/download` }),
    expected: owned(200),
  },
  'aether get /folders': {
    call: () => ({ path: '/api/v1/folders' }),
    expected: everyones(200),
    fault: (who, body: { folders: unknown[] }) => listFault(who, body.folders, 2),
  },
  'aether get /folders in a folder': {
    call: ({ folderId }) => ({ path: `/api/v1/folders?parentId=${folderId}` }),
    expected: owned(200),
  },
  'aether post /folders': {
    call: ({ folderId }) => ({ path: '/api/v1/folders', json: { name: 'new', parentId: folderId } }),
    expected: owned(201),
    destroys: true,
  },
  'aether patch /folders/:id': {
    call: ({ folderId }) => ({ path: `/api/v1/folders/${folderId}`, json: { name: 'renamed' } }),
    expected: owned(200),
  },
  'aether delete /folders/:id': {
    call: ({ folderId }) => ({ path: `/api/v1/folders/${folderId}?recursive=true` }),
    expected: owned(200),
    destroys: true,
  },
  'aether get /user/stats': {
    call: () => ({ path: '/api/v1/user/stats' }),
    expected: everyones(200),
    fault: (who, { stats }: { stats: { totalFiles: number; totalSize: number } }) => {
      const total = stats.totalFiles + stats.totalSize
      return strangers.includes(who) === total > 0 ? `counts ${total}` : undefined
    },
  },
}
