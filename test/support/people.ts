import { type KeyWish, makeKey } from '../../src/core/keys.ts'
import type { Account } from '../../src/core/model.ts'
import { hashPassword } from '../../src/core/passwords.ts'
import type { TestApp } from './app.ts'

/** Makes accounts and keys in a catalogue, with a server beside it or around it. */
export function peopleOf(
  { write }: TestApp['catalogue'],
  owner: Account,
): Pick<TestApp, 'owner' | 'newKey' | 'newAccount'> {
  return {
    owner,
    newKey: async (wish: Partial<KeyWish> = {}, account = owner) => {
      const { expiresAt, ...rest } = wish
      const { text, row } = makeKey(account.id, { kind: 'ak', ...rest }, Date.now())
      await write.createKey({ ...row, expiresAt: expiresAt ?? null })
      return { id: row.id, text }
    },
    newAccount: async (email) => {
      const passwordHash = await knownHash()
      const account = { id: crypto.randomUUID(), email, passwordHash, isOwner: false, verified: true, now: Date.now() }
      return write.createAccount(account)
    },
  }
}

/** The hash of everybody's password: made once, because it takes its time on purpose. */
function knownHash(): Promise<string> {
  hash ??= hashPassword('correct horse')
  return hash
}

let hash: Promise<string> | undefined
