import { type Argument, whole, word } from './arguments.ts'
import { formatNames } from './formats.ts'

/** An image option as a URL may carry it. */
interface Option<Value> {
  readonly aliases: readonly string[]
  readonly argument: Argument<Value>
  /** One sentence for the manual. */
  readonly sentence: string
}

/**
 * Every image option, once: the parser, the canonical key and the manual follow this table, in its order.
 * A further option is a row here and a step that acts on it.
 */
export const options = {
  width: {
    aliases: ['w'],
    argument: whole(1, 'maxSide'),
    sentence: 'Width in pixels; alone it keeps the aspect ratio.',
  },
  height: {
    aliases: ['h'],
    argument: whole(1, 'maxSide'),
    sentence: 'Height in pixels; alone it keeps the aspect ratio.',
  },
  fit: {
    aliases: [],
    argument: word(['cover', 'contain', 'inside', 'outside', 'fill']),
    sentence:
      'How both sides are met: `cover` (the default) crops around the centre, `contain` adds an empty border, `inside` and ' +
      '`outside` keep the whole picture within or around the box, `fill` stretches.',
  },
  format: {
    aliases: ['f'],
    argument: word([...formatNames, 'auto'], { jpg: 'jpeg' }),
    sentence: 'Kind of the answer; `auto` takes the best one that the `Accept` header names.',
  },
  quality: {
    aliases: ['q'],
    argument: whole(1, 100),
    sentence: 'Quality of webp, avif and jpeg; png and gif have none.',
  },
} as const satisfies Readonly<Record<string, Option<unknown>>>

export type OptionName = keyof typeof options

type ValueOf<O> = O extends Option<infer Value> ? Value : never

/** What a query asks for, checked. */
export type Wish = { readonly [Name in OptionName]?: ValueOf<(typeof options)[Name]> }

export const optionNames = Object.keys(options) as OptionName[]

const canonicalNames = new Map<string, OptionName>(
  optionNames.flatMap((name) => [name, ...options[name].aliases].map((spelling) => [spelling, name] as const)),
)

/** The option that a query's key means, by its name or an alias. */
export function optionOf(spelling: string): OptionName | undefined {
  return canonicalNames.get(spelling)
}
