import { Failure } from '../core/failure.ts'
import type { BotCheck } from '../core/ports.ts'

/** Longer than any answer that a widget gives. */
const longestResponse = 2_048
const patienceMs = 10_000
/** Of the service's own codes, those that say nothing of the visitor. */
const notOfTheVisitor = new Set(['internal-error', 'missing-input-secret', 'invalid-input-secret'])

export interface TurnstileOptions {
  readonly secret: string
  /** Where answers are verified. */
  readonly url: string
  /** How long the service may take, in milliseconds. */
  readonly patienceMs?: number
}

/** Cloudflare Turnstile, or whatever speaks like it. */
export function openTurnstile(options: TurnstileOptions): BotCheck {
  return {
    isHuman: async (response, address) => {
      if (response === '' || response.length > longestResponse) return false
      const { success, 'error-codes': codes } = await ask(options, response, address)
      if (Array.isArray(codes) && codes.some((code) => notOfTheVisitor.has(code)))
        throw noAnswer(`it says ${codes.join(', ')}`)
      return success === true
    },
  }
}

interface Verdict {
  readonly success?: unknown
  readonly 'error-codes'?: unknown
}

async function ask({ secret, url, ...options }: TurnstileOptions, answer: string, address: string): Promise<Verdict> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ secret, response: answer, remoteip: address }),
      // The secret goes to nobody else.
      redirect: 'error',
      signal: AbortSignal.timeout(options.patienceMs ?? patienceMs),
    })
    if (!response.ok) throw new Error(`it answered with status ${response.status}`)
    return ((await response.json()) as Verdict | null) ?? {}
  } catch (error) {
    throw noAnswer(error)
  }
}

function noAnswer(cause: unknown): Failure<'busy'> {
  const why = 'the service that tells people from robots does not answer'
  return new Failure('busy', { why, retryAfterSeconds: 30 }, { cause })
}
