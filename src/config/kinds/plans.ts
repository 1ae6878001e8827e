import { parse, TomlError } from 'smol-toml'
import { optional } from './composed.ts'
import { accepted, isTable, type Kind, type Reading, refused } from './kind.ts'
import { integer, size } from './quantities.ts'

/** What accounts of one plan may do; undefined is no limit. Sizes in bytes. */
export interface Plan {
  readonly storage: number | undefined
  readonly files: number | undefined
  /** In a month, as the next. */
  readonly image_ops: number | undefined
  readonly origin_reads: number | undefined
  readonly max_upload: number | undefined
  readonly trial_days: number | undefined
}

type Fields = { readonly [F in keyof Plan]: Kind<number | undefined> }

const fields: Fields = {
  storage: optional(size()),
  files: optional(integer({ example: '1000', unit: 'files' })),
  image_ops: optional(integer({ example: '2000', unit: 'a month' })),
  origin_reads: optional(integer({ example: '50000', unit: 'a month' })),
  max_upload: optional(size({ min: '1 B', example: '100 MiB' })),
  // Farther than a hundred years no date is exact that somebody adds to it.
  trial_days: optional(integer({ min: 1, max: 36_500, example: '14', unit: 'days' })),
}
const fieldNames = Object.keys(fields) as (keyof Plan)[]

const planName = /^[a-z0-9][a-z0-9_-]{0,63}$/
const sentence = `In a file a section of its own for each plan, \`[plans.free]\`, with the keys ${fieldNames
  .map((name) => `\`${name}\``)
  .join(', ')}, each of which may be missing; in a variable or a flag one TOML table, as in
\`{free = {storage = "5 GiB", trial_days = 14}}\`.`.replaceAll('\n', ' ')

/** Plans by their names, in lower case; a section of its own in the file, whose TOML is a section for each plan. */
export function plans(): Kind<ReadonlyMap<string, Plan>> {
  return {
    form: `a table of plans, each a table of ${fieldNames.join(', ')}`,
    example: '{free = {storage = "5 GiB", files = 1000, trial_days = 14}}',
    explained: [['plans', sentence], ...fieldNames.flatMap((name) => fields[name].explained)],
    fromText: (text) => fromText(text.trim()),
    fromToml: readPlans,
    toText: (value) => (value.size === 0 ? '' : `{${[...value].map(inline).join(', ')}}`),
    toToml: (value) => [...value].map(asSection).join('\n\n'),
  }
}

function fromText(text: string): Reading<ReadonlyMap<string, Plan>> {
  if (text === '') return accepted(new Map())
  try {
    const { plans, ...others } = parse(`plans = ${text}`)
    return Object.keys(others).length === 0 ? readPlans(plans) : refused(text)
  } catch (error) {
    if (error instanceof TomlError) return refused(text)
    throw error
  }
}

function readPlans(raw: unknown): Reading<ReadonlyMap<string, Plan>> {
  if (!isTable(raw)) return refused(raw)
  const found = new Map<string, Plan>()
  for (const [written, table] of Object.entries(raw)) {
    const name = written.toLowerCase()
    const plan = found.has(name)
      ? refused(undefined, { at: written, expected: 'one plan of each name, whatever its case' })
      : readPlan(written, name, table)
    if (!plan.ok) return plan
    found.set(name, plan.value)
  }
  return accepted(found)
}

function readPlan(written: string, name: string, table: unknown): Reading<Plan> {
  if (!planName.test(name)) {
    const expected = 'a name of at most 64 letters, digits, _ and -, with a letter or digit in front'
    return refused(undefined, { at: written, expected })
  }
  if (!isTable(table)) return refused(table, { at: written, expected: `a table of ${fieldNames.join(', ')}` })
  const plan: Record<string, number | undefined> = Object.fromEntries(fieldNames.map((field) => [field, undefined]))
  for (const [field, raw] of Object.entries(table)) {
    const known = fieldNames.find((one) => one === field)
    if (known === undefined) {
      return refused(undefined, { at: `${written}.${field}`, expected: `one of ${fieldNames.join(', ')}` })
    }
    const reading = fields[known].fromToml(raw)
    if (!reading.ok) return refused(reading.refused, { at: `${written}.${field}`, expected: fields[known].form })
    plan[known] = reading.value
  }
  return accepted(plan as unknown as Plan)
}

/** What a plan limits, as lines of TOML. */
function limits(plan: Plan): string[] {
  return fieldNames.flatMap((name) => (plan[name] === undefined ? [] : `${name} = ${fields[name].toToml(plan[name])}`))
}

function inline([name, plan]: readonly [string, Plan]): string {
  return `${name} = {${limits(plan).join(', ')}}`
}

function asSection([name, plan]: readonly [string, Plan]): string {
  return [`[plans.${name}]`, ...limits(plan)].join('\n')
}
