import { Failure, type Issue } from '../core/failure.ts'
import type { Limits } from './arguments.ts'
import { type OptionName, optionNames, optionOf, options, type Wish } from './options.ts'

type Given = ReadonlyMap<OptionName, readonly string[]>

/** The wish in a query, or undefined when it names no option. All faults are told at once. */
export function readWish(query: URLSearchParams, limits: Limits): Wish | undefined {
  const given = textsByOption(query)
  if (given.size === 0) return undefined
  const issues: Issue[] = []
  const wish: Partial<Record<OptionName, unknown>> = {}
  for (const name of optionNames) {
    const texts = given.get(name)
    if (texts === undefined) continue
    const value = readOption(name, texts, limits)
    if (value === undefined) issues.push(fault(name, texts, limits))
    else wish[name] = value
  }
  if (issues.length > 0) throw new Failure('invalid', { issues })
  return wish as Wish
}

function textsByOption(query: URLSearchParams): Given {
  const given = new Map<OptionName, string[]>()
  for (const [spelling, text] of query) {
    const name = optionOf(spelling)
    if (name !== undefined) given.set(name, [...(given.get(name) ?? []), text])
  }
  return given
}

/** An option may be given twice, by whichever names, as long as it means one thing. */
function readOption(name: OptionName, texts: readonly string[], limits: Limits): unknown {
  const values = texts.map((text) => options[name].argument.read(text, limits))
  return new Set(values.map(String)).size === 1 ? values[0] : undefined
}

function fault(name: OptionName, texts: readonly string[], limits: Limits): Issue {
  const repeated = texts.length > 1 ? ', given once' : ''
  return { path: [name], problem: `${name} must be ${options[name].argument.bounds(limits)}${repeated}`, kind: 'value' }
}
