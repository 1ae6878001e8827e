import type { RequestLink, Share } from '../model.ts'

export interface ShareReads {
  shareByToken(token: string): Promise<Share | undefined>
  share(id: string): Promise<Share | undefined>
  /** The hash of a share's password, apart from the share so that it travels nowhere by accident. */
  sharePassword(id: string): Promise<string | null>
  /** Those of an account that are not over, newest first. */
  shares(accountId: string, now: number): Promise<Share[]>
  requestLinkByToken(token: string): Promise<RequestLink | undefined>
  requestLinks(accountId: string, now: number): Promise<RequestLink[]>
}

export interface NewShare extends Omit<Share, 'hasPassword' | 'downloads'> {
  readonly passwordHash: string | null
}

export type NewRequestLink = Omit<RequestLink, 'files' | 'bytes'>

export interface ShareWrites {
  createShare(input: NewShare): Promise<Share>
  /** Resolves to whether there was one. */
  deleteShare(input: { id: string; accountId: string }): Promise<boolean>
  /** Counts one download; false where the share has none left, or is gone. */
  countDownload(input: { id: string; now: number }): Promise<boolean>
  createRequestLink(input: NewRequestLink): Promise<RequestLink>
  deleteRequestLink(input: { id: string; accountId: string }): Promise<boolean>
  /** Forgets links that are over. */
  pruneShares(input: { now: number }): Promise<void>
}
