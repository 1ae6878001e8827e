import { callers, type Who } from './callers.ts'

/** What routes are called about: files in a folder of the owner's, a project and a key that are used for nothing else. */
export interface Place {
  readonly folderId: string
  readonly fileId: string
  readonly privateId: string
  readonly projectId: string
  readonly keyId: string
  /** An upload in parts that is open, a share of `c.txt`, and a link that asks for files. */
  readonly uploadId: string
  readonly shareToken: string
  readonly requestToken: string
  readonly ownerId: string
  readonly otherId: string
}

/** What is sent. */
export interface Wish {
  readonly path: string
  readonly json?: unknown
  readonly fields?: Readonly<Record<string, string>>
  readonly form?: FormData
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether a browser's form is what asks: it says where it is from. */
  readonly isPage?: boolean
}

export type Expected = Readonly<Record<Who, number>>

export interface Row {
  call(place: Place): Wish
  readonly expected: Expected
  /** Of HEAD, where it is not the same. */
  readonly head?: Expected
  /** The door's codes of failures, where they are not the usual ones of their status. */
  readonly codes?: Readonly<Record<number, string | ((who: Who) => string)>>
  /** Who is answered with success although nothing may change: what was asked for is not theirs. */
  readonly keeps?: readonly Who[]
  /** Whether a success leaves nothing for the next caller to do the same with. */
  readonly destroys?: boolean
  /** Whether a route that needs no caller has a look itself at who asks. */
  readonly looks?: boolean
  /** Whether a success ends sessions of the caller's. */
  readonly endsSession?: boolean
  /** What is wrong with an answer whose status is right; a list must show strangers nothing. */
  fault?(who: Who, body: never, place: Place): string | undefined
}

export type Rows = Readonly<Record<string, Row>>

/** What every route that asks who calls says to those whom it does not know. No cookie opens an API door. */
const unknown = {
  'no key': 401,
  'malformed key': 401,
  'unknown key': 401,
  'revoked key': 401,
  'expired key': 401,
  'expired token': 401,
  'forged token': 401,
  "an ended session's token": 401,
  "a disabled account's key": 403,
  // Disabling an account ends its sessions: nobody knows the token any more.
  "a disabled account's token": 401,
  "another's page session": 401,
  "the owner's page session": 401,
} as const

/** Where the three kinds of the owner's good credentials, another's two, and a key that is held to another folder get. */
interface Outcomes {
  readonly owner: number
  readonly another: number
  readonly prefixed: number
}

/** A route that needs a scope of a key. */
export function scoped({ owner, another, prefixed }: Outcomes): Expected {
  return {
    ...unknown,
    'wrong scope': 403,
    'outside the prefix': prefixed,
    "another's key": another,
    "another's token": another,
    "the owner's atiru key": owner,
    "the owner's key": owner,
    "the owner's token": owner,
  }
}

/** One that is about a thing of the owner's. */
export const owned = (owner: number): Expected => scoped({ owner, another: 404, prefixed: 403 })

/** One that answers everybody with what is their own. */
export const everyones = (owner: number): Expected => scoped({ owner, another: owner, prefixed: owner })

/** One that changes the account or its keys: Atiru's keys may not, whatever they may elsewhere. */
export function managing(outcomes: Outcomes): Expected {
  return { ...scoped(outcomes), "the owner's atiru key": 403 }
}

/** One that no key opens. */
export function loggedIn(owner: number, another: number): Expected {
  return {
    ...managing({ owner, another, prefixed: 403 }),
    "another's key": 403,
    "the owner's key": 403,
  }
}

/** One that is open to anybody: a credential opens nothing there, and shuts nothing. */
export function whoever(status: number): Expected {
  return Object.fromEntries(callers.map((who) => [who, status])) as Record<Who, number>
}

/** A page: who has no session is led to where one is had, whatever key it sends. */
export const visited = (another: number, owner: number): Expected => ({
  ...whoever(303),
  "another's page session": another,
  "the owner's page session": owner,
})

export const strangers: readonly Who[] = [
  'outside the prefix',
  "another's key",
  "another's token",
  "another's page session",
]
export const isOther = (who: Who): boolean => who.startsWith('another')

/** What is wrong with a list that has so many things of the owner's in it, and none for strangers. */
export function listFault(who: Who, list: readonly unknown[] | undefined, owned: number): string | undefined {
  const wanted = strangers.includes(who) ? 0 : owned
  return list?.length === wanted ? undefined : `lists ${list?.length} and not ${wanted}`
}

/** What is wrong with a list that has to have a thing of the owner's in it, and must not show it to strangers. */
export function shownFault(who: Who, list: readonly { id: string }[], id: string): string | undefined {
  const isShown = list.some((one) => one.id === id)
  if (isShown === !strangers.includes(who)) return undefined
  return isShown ? 'shows a stranger what is the owner’s' : 'does not show the owner what is there'
}
