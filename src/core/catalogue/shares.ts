import type { RequestLink, Share } from '../model.ts'

/** Where a list of links goes on: after this one. */
export interface LinkCursor {
  readonly createdAt: number
  readonly id: string
}

export interface LinksQuery {
  readonly accountId: string
  /** The folder that they must lead into, with a final slash; null for the whole tree. */
  readonly prefix: string | null
  readonly now: number
  readonly limit: number
  readonly after?: LinkCursor | undefined
}

/** A link and the path of what it leads to now. */
export interface LinkAt<L> {
  readonly link: L
  readonly path: string
}

export interface LinkPage<L> {
  readonly links: LinkAt<L>[]
  /** Whether there are more after these. */
  readonly more: boolean
}

export interface ShareReads {
  shareByToken(token: string): Promise<Share | undefined>
  share(id: string): Promise<Share | undefined>
  /** The hash of a share's password, apart from the share so that it travels nowhere by accident. */
  sharePassword(id: string): Promise<string | null>
  /** Those of an account that are not over and lead somewhere still, newest first. */
  shares(query: LinksQuery): Promise<LinkPage<Share>>
  requestLinkByToken(token: string): Promise<RequestLink | undefined>
  requestLinks(query: LinksQuery): Promise<LinkPage<RequestLink>>
}

export interface NewShare extends Omit<Share, 'hasPassword' | 'downloads'> {
  readonly passwordHash: string | null
}

export type NewRequestLink = Omit<RequestLink, 'files' | 'bytes'>

/** `most`: how many links of its kind an account may have that are not over. */
export interface ShareWrites {
  /** Rejects with `quota_exceeded`. */
  createShare(input: NewShare & { most: number }): Promise<Share>
  /** Resolves to whether there was one. */
  deleteShare(input: { id: string; accountId: string }): Promise<boolean>
  /** Counts one download; false where the share has none left, or is gone. */
  countDownload(input: { id: string; now: number }): Promise<boolean>
  /** Rejects with `quota_exceeded`. */
  createRequestLink(input: NewRequestLink & { most: number }): Promise<RequestLink>
  deleteRequestLink(input: { id: string; accountId: string }): Promise<boolean>
  /** Forgets so many links of each kind that are over, and resolves to whether there may be more. */
  pruneShares(input: { now: number; limit: number }): Promise<boolean>
}
