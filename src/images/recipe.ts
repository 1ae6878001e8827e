import Negotiator from 'negotiator'
import type { Recipe } from '../core/ports.ts'
import type { Limits } from './arguments.ts'
import { factsOf, formats, negotiable } from './formats.ts'
import { optionNames, type Wish } from './options.ts'
import { readWish } from './parse.ts'

/** A wish that has met the client: which of the better formats it takes, where the wish leaves that open. */
export interface Order {
  readonly wish: Wish
  readonly accepts: readonly Negotiable[]
}

type Negotiable = (typeof negotiable)[number]

/** The key of a recipe that asks for nothing but a re-made picture in its own format. */
const PLAIN = 'plain'

/**
 * The canonical text of a wish: its options in the table's order, without what changes nothing, and with what `auto` may choose
 * from. The last choice is made when the picture's header is known (an animation is no AVIF, a TIFF has no format of its own here).
 */
export function recipeOf(wish: Wish, accept: string | undefined): Recipe {
  const negotiated = wish.format === 'auto'
  const accepts = negotiated ? acceptedOf(accept) : []
  const bare = withoutIdle(wish, accepts)
  const key = new URLSearchParams()
  for (const name of optionNames) if (bare[name] !== undefined) key.set(name, String(bare[name]))
  if (accepts.length > 0) key.set('accept', accepts.join())
  return { key: key.toString() || PLAIN, negotiated }
}

/** What a canonical key stands for. */
export function orderOf(recipe: Recipe, limits: Limits): Order {
  const key = new URLSearchParams(recipe.key)
  const accepted = key.get('accept')?.split(',') ?? []
  return { wish: readWish(key, limits) ?? {}, accepts: negotiable.filter((format) => accepted.includes(format)) }
}

/** Only what is named counts: a wildcard is sent by programs, too, that cannot show the newer formats. */
function acceptedOf(accept: string | undefined): Negotiable[] {
  if (accept === undefined) return []
  const named = new Negotiator({ headers: { accept: accept.toLowerCase() } }).mediaTypes()
  return negotiable.filter((format) => named.includes(formats[format].contentType))
}

function withoutIdle(wish: Wish, accepts: readonly Negotiable[]): Wish {
  const { fit, format, quality, ...rest } = wish
  const boxed = wish.width !== undefined && wish.height !== undefined
  const choice = format === 'auto' && accepts.length === 0 ? undefined : format
  const lossless = choice !== undefined && choice !== 'auto' && factsOf(choice).quality === undefined
  return {
    ...rest,
    ...(boxed && fit !== undefined && fit !== 'cover' && { fit }),
    ...(choice !== undefined && { format: choice }),
    ...(quality !== undefined && !lossless && { quality }),
  }
}
