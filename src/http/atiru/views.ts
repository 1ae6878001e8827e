import type { z } from 'zod'
import { accessTokenLifeMs, type Issued } from '../../core/access.ts'
import type { ListedRequest } from '../../core/catalogue.ts'
import type { Account, FileEntry, Key } from '../../core/model.ts'
import type { Plans } from '../../core/plans.ts'
import type * as schemas from './schemas.ts'

const time = (ms: number): string => new Date(ms).toISOString()

/** Links of a private file lead nowhere, so it has none. */
export function fileView(file: FileEntry, account: Account, baseUrl: string): z.infer<typeof schemas.fileView> {
  const link = (base: string, route: 'm' | 'd') => (file.isPublic ? `${base}/${route}/${file.fileId}` : null)
  const publicBase = account.publicUrlBase ?? baseUrl
  return {
    id: file.id,
    user_id: file.accountId,
    file_id: file.fileId,
    name: file.name,
    content_type: file.contentType,
    size: file.size,
    public_url: link(publicBase, 'm'),
    default_url: link(baseUrl, 'm'),
    default_download_url: link(baseUrl, 'd'),
    public_download_url: link(publicBase, 'd'),
    created_at: time(file.createdAt),
    is_public: file.isPublic,
  }
}

export function userView({ id, email, createdAt, updatedAt }: Account): z.infer<typeof schemas.user> {
  return { id, email, created_at: time(createdAt), updated_at: time(updatedAt) }
}

export function sessionView(issued: Issued): z.infer<typeof schemas.signedIn> {
  return {
    user: userView(issued.account),
    session: {
      access_token: issued.accessToken,
      refresh_token: issued.refreshToken,
      expires_in: accessTokenLifeMs / 1_000,
      expires_at: Math.floor(issued.expiresAt / 1_000),
      token_type: 'bearer',
    },
  }
}

export function keyView({ id, hint, name, createdAt }: Key): z.infer<typeof schemas.keyView> {
  return { id, key_prefix: hint, name, created_at: time(createdAt) }
}

export function logView(request: ListedRequest): z.infer<typeof schemas.logs>['logs'][number] {
  return {
    id: request.id,
    method: request.method,
    path: request.path,
    status_code: request.status,
    request_size_bytes: request.requestBytes,
    created_at: time(request.at),
    metadata: { duration_ms: request.durationMs, user_agent: request.userAgent, key_prefix: request.keyHint },
  }
}

export function profileView(account: Account, plans: Plans): z.infer<typeof schemas.profile> {
  const plan = plans.of(account)
  const until = plans.accessUntil(account)
  return {
    user: userView(account),
    plan: {
      name: plan.name,
      storage_limit_bytes: plan.storageBytes,
      file_count_limit: plan.files,
      image_ops_limit: plan.imageOps,
      origin_reads_limit: plan.originReads,
      max_upload_size_bytes: plan.maxUploadBytes,
    },
    subscription_canceled_at: null,
    access_until: until === null ? null : time(until),
  }
}
