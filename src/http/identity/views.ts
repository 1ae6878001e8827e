import type { Issued } from '../../core/access.ts'
import type { ListedKey } from '../../core/catalogue.ts'
import { type Account, type Key, type Project, scopes } from '../../core/model.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))

export function tokensView({ accessToken, refreshToken }: Issued) {
  return { access_token: accessToken, refresh_token: refreshToken, token_type: 'bearer' }
}

export function userView(
  account: Account,
  projects: readonly Project[],
  plan: string,
  { imageOps, left }: { imageOps: number; left: number | null },
) {
  return {
    id: account.id,
    email: account.email,
    full_name: null,
    is_active: account.disabledAt === null,
    is_superuser: account.isOwner,
    is_verified: account.verifiedAt !== null,
    projects: projects.map((project) => ({ id: project.id, name: project.name })),
    created_at: time(account.createdAt),
    updated_at: time(account.updatedAt),
    billing: {
      token_balance: left ?? -1,
      tokens_used: imageOps,
      subscription_tier: plan,
    },
  }
}

/** A key; its text is there when it was made just now, and never again. */
export function keyView(key: Key & Partial<Pick<ListedKey, 'lastUsedAt'>>, now: number, text: string | null = null) {
  const hasExpired = key.expiresAt !== null && key.expiresAt <= now
  return {
    id: key.id,
    prefix: key.hint,
    name: key.name,
    full_key: text,
    scopes: key.scopes ?? scopes,
    last_used_at: timeOrNull(key.lastUsedAt ?? null),
    expires_at: timeOrNull(key.expiresAt),
    is_active: key.revokedAt === null && !hasExpired,
    created_at: time(key.createdAt),
    updated_at: time(key.revokedAt ?? key.createdAt),
  }
}

export function projectView({ id, name, createdAt, updatedAt }: Project) {
  return { id, name, created_at: time(createdAt), updated_at: time(updatedAt) }
}

export function paginationView({ page, limit }: { page: number; limit: number }, total: number) {
  return { page, limit, total, pages: Math.ceil(total / limit) }
}
