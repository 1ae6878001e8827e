import type { Page } from './page.ts'

export interface RequestRecord {
  readonly id: string
  readonly accountId: string
  readonly keyId: string | null
  readonly method: string
  readonly path: string
  readonly status: number
  readonly requestBytes: number | null
  readonly durationMs: number
  readonly userAgent: string | null
  readonly at: number
}

/** A request as its account sees it: with the shown start of the key it came by. */
export type ListedRequest = RequestRecord & { readonly keyHint: string | null }

/** What was sent of a file, or made of it, in a calendar month (`2026-11`). */
export interface SentRecord {
  readonly accountId: string
  readonly fileId: string
  readonly month: string
  readonly bytes: number
  readonly reads: number
  readonly imageOps: number
}

/** What a calendar month brought. */
export interface Usage {
  readonly bytesSent: number
  readonly originReads: number
  readonly imageOps: number
}

export interface Activity {
  readonly requests: readonly RequestRecord[]
  readonly sent: readonly SentRecord[]
  readonly keysUsed: readonly { keyId: string; at: number }[]
}

export interface ActivityReads {
  /** Since the calendar month began, of the account or of the files below a folder. */
  usage(accountId: string, month: string, belowFolderId?: string): Promise<Usage>
  /** Newest first. */
  requests(accountId: string, page: Page): Promise<{ requests: ListedRequest[]; total: number }>
}

export interface ActivityWrites {
  /** What the last seconds brought: may be lost by a power cut, unlike all else here. */
  recordActivity(input: Activity): Promise<void>
  /** Removes up to `limit` requests older than `before` and as many of the single files' usage of past months. Resolves to whether any are left. */
  pruneActivity(input: { before: number; month: string; limit: number }): Promise<boolean>
}
