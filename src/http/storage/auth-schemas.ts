import { z } from 'zod'
import { actorTypes } from '../../core/model.ts'

/** What goes in and out where somebody registers, signs in, or makes keys. */

const time = z.int().meta({ description: 'Milliseconds since 1970 UTC' })

const actor = z.string().meta({ description: '1 to 64 of a-z, A-Z, 0-9, "-" and "_"; the same in any case' })
const type = z.enum(actorTypes)

export const registration = z.object({
  actor,
  type: type.nullish().meta({ description: 'human where absent' }),
  public_key: z.string().meta({ description: 'Of an Ed25519 pair: 32 bytes as base64 or base64url' }),
})
export const registered = z.object({ actor: z.string(), type })

export const challengeWish = z.object({ actor })
export const challenge = z.object({
  challenge_id: z.uuid(),
  nonce: z.string().meta({ description: 'Sign these characters as they stand' }),
  expires_at: time,
})

export const signed = z.object({
  challenge_id: z.string(),
  actor,
  signature: z.string().meta({ description: "Ed25519, over the nonce's characters: 64 bytes as base64 or base64url" }),
})
export const session = z.object({
  token: z.string().meta({ description: 'Opens every door until it ends, or somebody logs out' }),
  actor: z.string(),
  expires_at: time,
})

export const loggedOut = z.object({ ok: z.boolean() })

export const magicLinkWish = z.object({
  email: z.string(),
  'cf-turnstile-response': z
    .string()
    .nullish()
    .meta({ description: 'What the Turnstile widget of a page gave, where this server asks for it' }),
})
export const message = z.object({ message: z.string() })

/** Later, a time has no four digits for its year, which other doors write it with. */
const longestSeconds = 250_000_000_000

export const keyWish = z.object({
  name: z.string().nullish(),
  prefix: z.string().nullish().meta({ description: 'The folder that the key is held to; empty for the whole tree' }),
  expires_in: z.int().min(1).max(longestSeconds).nullish().meta({ description: 'Seconds; for good where absent' }),
})
const key = z.object({
  id: z.uuid(),
  name: z.string(),
  prefix: z.string().meta({ description: 'With a final slash; empty for the whole tree' }),
  expires_at: time.nullable(),
})
export const madeKey = key.extend({ token: z.string().meta({ description: 'Shown this once' }) })
export const keyList = z.object({ keys: z.array(key.extend({ created_at: time })) })
export const deleted = z.object({ deleted: z.boolean() })
