import type { Door } from '../door.ts'
import { auth } from './auth.ts'
import { failure } from './failures.ts'
import { files } from './files.ts'
import { keys } from './keys.ts'
import { requestLinks, requests } from './requests.ts'
import { shareLinks, shares } from './shares.ts'
import { uploads } from './uploads.ts'
import { zips } from './zip.ts'

const success = (data: object): object => data

/** The Storage API. */
export const storage: Door = {
  name: 'storage',
  base: '/storage',
  routes: [
    ...files,
    ...uploads,
    ...shares,
    ...requests,
    ...zips,
    ...auth,
    ...keys,
    ...shareLinks('/s'),
    ...requestLinks('/r'),
  ],
  success,
  failure,
}

/** Where links of shares lead, which are short and the same under every name of the server. */
export const sharedLinks: Door = { name: 'shares', base: '/s', routes: shareLinks(''), success, failure }

/** Where somebody without an account drops files. */
export const requestedLinks: Door = { name: 'requests', base: '/r', routes: requestLinks(''), success, failure }
