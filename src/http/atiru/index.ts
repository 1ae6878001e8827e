import type { Door } from '../door.ts'
import { failure } from '../root-failures.ts'
import { account } from './account.ts'
import { auth } from './auth.ts'
import { files } from './files.ts'
import { keys } from './keys.ts'
import { reference } from './reference.ts'

/** The Atiru API, at the root. */
export const atiru: Door = {
  name: 'atiru',
  base: '',
  routes: [...auth, ...keys, ...files, ...account, ...reference(() => atiru)],
  success: (data) => data,
  failure,
}
