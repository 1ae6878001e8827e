import type { Door } from '../door.ts'
import { failure } from './failures.ts'
import { keys } from './keys.ts'
import { projects } from './projects.ts'
import { users } from './users.ts'
import { verification } from './verification.ts'

/** The Unturned auth API: people, by codes they are mailed, and keys in projects. */
export const identity: Door = {
  name: 'identity',
  base: '/identity',
  takesFinalSlash: true,
  routes: [...verification, ...users, ...keys, ...projects],
  success: (data) => ({ success: true, data, error: null }),
  failure,
}
