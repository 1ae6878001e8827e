import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { availableParallelism, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { Failure, invalid } from './failure.ts'

const derive = promisify(argon2)

/** OWASP's first choice for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane; about 30 ms. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagBytes = 32
const saltBytes = 16
/** What of the memory (the container's, where there is one) hashes may take together. */
const memoryShare = 0.05
const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
/** Hashes at once: as many as fit into their memory, and no more than can be worked on. */
const atOnce = Math.max(
  1,
  Math.min(availableParallelism(), Math.floor((memoryBytes * memoryShare) / (parameters.memory * 1_024))),
)
/** Waiting for their turn at most; with two seconds for these, more would only wait to be told to come back. */
const waitingAtMost = 64

export const passwordLimits = { minCharacters: 6, maxBytes: 1_024 } as const

/** Tells of every hash that is worked out, and of what it cost: an unknown e-mail must cost what a known one does. */
export const hashing = channel('larder:argon2')

let running = 0
const waiting: (() => void)[] = []

async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= waitingAtMost)
    throw new Failure('busy', { why: 'too many are signing in', retryAfterSeconds: 3 })
  if (running < atOnce) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    // The place goes to whoever waits longest; only without one is it given up.
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/** @throws Failure `invalid` where the password is too short or absurdly long. */
export function requirePassword(password: string, field = 'password'): void {
  if ([...password].length < passwordLimits.minCharacters) {
    throw invalid(field, `a password has at least ${passwordLimits.minCharacters} characters`)
  }
  if (Buffer.byteLength(password) > passwordLimits.maxBytes) {
    throw invalid(field, `a password has at most ${passwordLimits.maxBytes} bytes`)
  }
}

/** Argon2id, in the PHC string format, which carries its own parameters. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const tag = await tagOf(password, salt, parameters, tagBytes)
  const { memory, passes, parallelism } = parameters
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
}

/** Whether a hash was made with less work than passwords get today. */
export function isOutdated(hash: string): boolean {
  const { memory, passes, parallelism } = parameters
  return !hash.startsWith(`$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$`)
}

/** Nobody's password has this hash; an unknown e-mail is checked against it, so that it costs what a known one costs. */
const nobody = `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.parallelism}$${base64(Buffer.alloc(saltBytes))}$${base64(Buffer.alloc(tagBytes))}`

/** Whether the password is the one that was hashed; without a hash, the same work is done for nothing. */
export async function verifyPassword(password: string, hash: string | null | undefined): Promise<boolean> {
  const [, , , options = '', salt = '', tag = ''] = (hash ?? nobody).split('$')
  const [memory = 0, passes = 0, parallelism = 0] = options.split(',').map((option) => Number(option.slice(2)))
  const expected = Buffer.from(tag, 'base64')
  const actual = await tagOf(password, Buffer.from(salt, 'base64'), { memory, passes, parallelism }, expected.length)
  return timingSafeEqual(actual, expected) && typeof hash === 'string'
}

function tagOf(
  password: string,
  salt: Buffer,
  cost: { memory: number; passes: number; parallelism: number },
  tagLength: number,
): Promise<Buffer> {
  hashing.publish(cost)
  return oneOfFew(() => derive('argon2id', { message: password, nonce: salt, tagLength, ...cost }))
}

/** The PHC format's base64 has no padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
