import type { Selectable } from 'kysely'
import type { Account, FileEntry, Folder, Key, KeyKind, PathEntry, Project, Scope, Session } from '../core/model.ts'
import type { AccountRow, EntryRow, FileRow, KeyRow, ProjectRow, SessionRow } from './schema.ts'

export function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    isOwner: row.is_owner === 1,
    verifiedAt: row.verified_at,
    disabledAt: row.disabled_at,
    hasPassword: row.password_hash !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    plan: row.plan,
    planSince: row.plan_since,
    accessUntil: row.access_until,
    publicUrlBase: row.public_url_base,
    maxUploadBytes: row.max_upload_bytes,
    actor: row.actor,
    actorType: row.actor_type,
  }
}

export function sessionOf(row: Pick<SessionRow, 'id' | 'account_id' | 'kind' | 'expires_at'>): Session {
  return { id: row.id, accountId: row.account_id, kind: row.kind, expiresAt: row.expires_at }
}

export function projectOf(row: ProjectRow): Project {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export function keyOf(row: KeyRow): Key {
  return {
    id: row.id,
    accountId: row.account_id,
    kind: row.kind as KeyKind,
    hint: row.hint,
    name: row.name,
    scopes: row.scopes === null ? null : (JSON.parse(row.scopes) as Scope[]),
    pathPrefix: row.path_prefix,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    projectId: row.project_id,
  }
}

/** An entry with its parent's public id (undefined for what lies in the root). */
export type FolderRow = Selectable<EntryRow> & { parent_id: string | null; parent_segment: string | null }

export function folderOf(row: FolderRow): Folder {
  return {
    id: row.id,
    accountId: row.account_id,
    isRoot: row.segment === '',
    parentId: row.parent_segment === '' ? null : row.parent_id,
    name: row.name,
    filesIn: row.files_in,
    foldersIn: row.folders_in,
    filesBelow: row.files_below,
    foldersBelow: row.folders_below,
    bytesBelow: row.bytes_below,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

type ContentColumns = 'file_id' | 'digest' | 'size' | 'content_type'

export type FileEntryRow = Pick<
  Selectable<EntryRow>,
  'id' | 'account_id' | 'name' | 'is_public' | 'description' | 'tags' | 'created_at' | 'updated_at' | 'tx' | 'tx_at'
> &
  Pick<FileRow, ContentColumns> & {
    content_at: number
    uuid: string
    parent_id: string | null
    parent_segment: string | null
  }

export function fileEntryOf(row: FileEntryRow): FileEntry {
  return {
    entryId: row.id,
    id: row.uuid,
    fileId: row.file_id,
    accountId: row.account_id,
    folderId: row.parent_segment === '' ? null : row.parent_id,
    name: row.name,
    digest: row.digest,
    size: row.size,
    contentType: row.content_type,
    isPublic: row.is_public === 1,
    description: row.description,
    tags: JSON.parse(row.tags) as string[],
    contentAt: row.content_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** A folder or a file with its path. */
export function pathEntryOf(row: FolderRow | FileEntryRow, path: string): PathEntry {
  return {
    entryId: row.id,
    path,
    tx: row.tx,
    txAt: row.tx_at,
    createdAt: row.created_at,
    file: 'uuid' in row ? fileEntryOf(row) : null,
  }
}
