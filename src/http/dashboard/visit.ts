import type { IncomingMessage } from 'node:http'
import type { Caller } from '../../core/caller.ts'
import type { Core } from '../../core/core.ts'
import type { FileEntry, Key } from '../../core/model.ts'
import type { Upload } from '../../core/upload.ts'
import type { RequestContext } from '../context.ts'
import type { Fields } from '../form.ts'
import type { Html } from '../html.ts'
import { hasSessionCookie } from '../session.ts'
import type { Asset } from './assets.ts'
import type { Once } from './once.ts'

/** A key with its text, which nobody can be told again. */
export interface MadeKey {
  readonly text: string
  readonly key: Key
}

/** What a page is given. It never sees the response. */
export interface Visit {
  readonly core: Core
  /** The path that stands before every link: the server's base path, without a final slash. */
  readonly base: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly context: RequestContext
  readonly request: IncomingMessage
  /** Keys that were made a moment ago, on their way to the page that shows them. */
  readonly madeKeys: Once<MadeKey>
  /** Whoever is signed in. */
  caller(): Promise<Caller | undefined>
  /** Counts one towards a limit. @throws Failure `rate_limited`. */
  count(limit: 'auth' | 'api' | 'upload', key: string): Promise<void>
  /** Tries a password that belongs to an e-mail: whoever fails too often waits. @throws Failure `rate_limited`, and the work's own. */
  attempt<T>(email: string, work: () => Promise<T>): Promise<T>
  /** The fields of a plain form. @throws Failure. */
  fields(): Promise<URLSearchParams>
  /** Begins an upload and reads the form into it; what is not published is dropped when the page has answered. */
  form(caller: Caller): Promise<{ upload: Upload; fields: Fields }>
}

/** A page: what is its own within the frame that all share. */
export interface Page {
  readonly kind: 'page'
  readonly status: number
  /** What its status wants beside what all pages have. */
  readonly headers?: Readonly<Record<string, string>>
  readonly title: string
  readonly body: Html
  /** Which of the sections it belongs to; none where nobody needs to be signed in. */
  readonly section?: 'files' | 'keys' | 'account'
  /** Whether it has texts to copy, and so the script that makes buttons for them. */
  readonly hasCopies?: boolean
  /** Whether its address carries a secret, which must not travel on in a `Referer`. */
  readonly isSecretAddress?: boolean
}

/** Leads elsewhere, to a path below the base. */
export interface Leave {
  readonly kind: 'leave'
  readonly to: string
  /** A session to keep in the browser, or null to take it away. */
  readonly session?: string | null
}

export type Answer =
  | Page
  | Leave
  | { readonly kind: 'file'; readonly file: FileEntry }
  | { readonly kind: 'asset'; readonly asset: Asset }

export type PageOptions = Partial<Omit<Page, 'kind' | 'title' | 'body'>>

export function page(title: string, body: Html, more: PageOptions = {}): Page {
  return { kind: 'page', status: 200, title, body, ...more }
}

export function leave(to: string, session?: string | null): Leave {
  return { kind: 'leave', to, ...(session !== undefined && { session }) }
}

type Answered = Answer | Promise<Answer>

/** One address of the dashboard. */
export interface PageRoute {
  readonly method: 'get' | 'post'
  /** Below the base path; `:name` stands for one segment. */
  readonly path: string
  answer(visit: Visit): Answered
}

/** An address for everybody. */
export function open(method: 'get' | 'post', path: string, answer: (visit: Visit) => Answered): PageRoute {
  return { method, path, answer }
}

/** An address for whoever is signed in; others are led to where they can. */
export function signedIn(
  method: 'get' | 'post',
  path: string,
  answer: (visit: Visit, caller: Caller) => Answered,
): PageRoute {
  return open(method, path, async (visit) => {
    const caller = await visit.caller()
    if (caller) return answer(visit, caller)
    return hasSessionCookie(visit.request) ? leave('/app/sign-in?notice=ended', null) : leave('/app/sign-in')
  })
}
