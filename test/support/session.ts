import { randomUUID } from 'node:crypto'
import { sessionLifeMs } from '../../src/core/access.ts'
import type { Account, SessionKind } from '../../src/core/model.ts'
import { newToken, secretDigest } from '../../src/core/secrets.ts'
import type { TestApp } from './app.ts'

/** Lets an account in, without a look at its password: a session as signing in makes one, and its secret. */
export async function newSession({ catalogue }: Pick<TestApp, 'catalogue'>, account: Account, kind: SessionKind) {
  const token = newToken()
  const now = Date.now()
  const session = { id: randomUUID(), kind, digest: secretDigest(token), expiresAt: now + sessionLifeMs }
  await catalogue.write.beginSession({ ...session, accountId: account.id, now })
  return { token, id: session.id }
}
