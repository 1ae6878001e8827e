import type { Door } from '../door.ts'
import { failure } from './failures.ts'
import { files } from './files.ts'
import { folders } from './folders.ts'
import { user } from './user.ts'

/** The AetherCDN developer API. */
export const aether: Door = {
  name: 'aether',
  base: '/api/v1',
  routes: [...files, ...folders, ...user],
  success: (data) => ({ success: true, ...data }),
  failure,
}
