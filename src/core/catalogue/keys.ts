import type { Account, Key, KeyKind, Project, Scope } from '../model.ts'
import type { Digest } from '../ports.ts'
import type { Page } from './page.ts'

export interface KeyHolder {
  readonly key: Key
  readonly account: Account
}

export type ListedKey = Key & { readonly lastUsedAt: number | null }

/** Which keys: of an account, perhaps of one of its projects, perhaps no wider and no longer-lived than the bounds. */
export interface KeyQuery {
  readonly accountId: string
  readonly projectId?: string
  readonly within?: KeyBounds
  readonly withRevoked?: boolean
  /** All where absent. */
  readonly page?: Page
}

/** What a key may reach of other keys: those inside its folder that end when it does, or before. Null: no bound. */
export interface KeyBounds {
  readonly pathPrefix: string | null
  readonly expiresAt: number | null
}

export interface KeyReads {
  keyByDigest(digest: Digest): Promise<KeyHolder | undefined>
  key(id: string): Promise<Key | undefined>
  /** Newest first. */
  keys(query: KeyQuery): Promise<{ keys: ListedKey[]; total: number }>
  project(accountId: string, id: string): Promise<Project | undefined>
  /** Oldest first. */
  projects(accountId: string, page?: Page): Promise<{ projects: Project[]; total: number }>
}

export interface NewKey {
  readonly id: string
  readonly accountId: string
  /** The account's oldest where absent. */
  readonly projectId?: string
  readonly kind: KeyKind
  readonly hint: string
  readonly digest: Digest
  readonly name: string
  readonly scopes: readonly Scope[] | null
  readonly pathPrefix: string | null
  readonly expiresAt: number | null
  readonly now: number
}

export interface KeyWrites {
  /** Rejects with `not_found` (project). */
  createKey(input: NewKey): Promise<Key>
  /**
   * Rejects with `not_found` where the account (or the project) has no such key within the bounds. One that is revoked
   * already is missing too, unless `again` is right: then its row is the answer.
   */
  revokeKey(input: {
    id: string
    accountId?: string
    projectId?: string
    within?: KeyBounds
    again?: boolean
    now: number
  }): Promise<Key>
  createProject(input: { id: string; accountId: string; name: string; now: number }): Promise<Project>
  /** Rejects with `not_found`. */
  renameProject(input: { id: string; accountId: string; name: string; now: number }): Promise<Project>
  /** Revokes its keys. Rejects with `not_found`, and with `conflict` for the account's last project. */
  deleteProject(input: { id: string; accountId: string; now: number }): Promise<Project>
}
