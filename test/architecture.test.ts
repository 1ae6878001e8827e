import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** The rooms of src/ and what each may import of the others (docs/architecture.md). Everybody may import its own. */
const arrows: Record<string, readonly string[]> = {
  executable: ['main', 'version'],
  main: ['cli'],
  cli: ['app', 'store', 'log', 'assets', 'version', 'config', 'core', 'catalogue', 'jobs', 'service'],
  app: ['store', 'config', 'core', 'catalogue', 'blobs', 'images', 'tokens', 'mail', 'turnstile', 'http', 'jobs'],
  store: ['native', 'config', 'core', 'catalogue', 'blobs', 'tokens'],
  log: ['log-lines'],
  'log-lines': [],
  assets: [],
  native: ['assets'],
  version: ['assets'],
  durable: [],
  config: [],
  core: [],
  catalogue: ['assets', 'core', 'durable'],
  blobs: ['assets', 'core', 'durable'],
  images: ['core'],
  tokens: ['core', 'durable'],
  mail: ['core', 'durable'],
  turnstile: ['core'],
  http: ['core'],
  jobs: ['core'],
  service: [],
}

/** Of the core, parts that keep the world out take ports, failures and the words they are made of, and no services. */
const corePorts = ['ports', 'catalogue', 'failure', 'model', 'names', 'parts', 'paths', 'text']
const adapters = ['catalogue', 'blobs', 'images', 'tokens', 'mail', 'turnstile']

/** Libraries that belong in one room alone. */
const libraries: Record<string, readonly string[]> = {
  express: ['http'],
  multer: ['http'],
  'better-sqlite3': ['catalogue'],
  kysely: ['catalogue'],
  'kysely/migration': ['catalogue'],
  sharp: ['images'],
  pino: ['log', 'http', 'app'],
  commander: ['cli'],
  'smol-toml': ['config'],
  jose: ['tokens'],
  nodemailer: ['mail'],
  'node:fs': ['log-lines', 'executable', 'native', 'version', 'blobs', 'catalogue', 'config', 'images', 'http', 'cli'],
  'node:fs/promises': ['durable', 'blobs', 'catalogue', 'images', 'tokens', 'mail', 'http'],
}

interface Import {
  readonly file: string
  readonly from: string
  readonly isTypeOnly: boolean
}

const imports = filesBelow(src).flatMap(importsOf)

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const statics = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]/gms)]
  const bare = [...text.matchAll(/^import\s+['"]([^'"]+)['"]/gm)].map((match) => [match[0], undefined, match[1]])
  const dynamic = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)].map((match) => [match[0], undefined, match[1]])
  return [...statics, ...bare, ...dynamic].map((match) => ({
    file,
    from: match[2] ?? '',
    isTypeOnly: match[1] !== undefined,
  }))
}

const steps = (file: string): string[] => relative(src, file).replace(/\.ts$/, '').split('/')
const roomOf = (file: string): string => steps(file)[0] ?? ''
const isOurs = (one: Import): boolean => one.from.startsWith('.')
const targetOf = (one: Import): string => resolve(dirname(one.file), one.from)
const shown = (one: Import): string => `${relative(src, one.file)} imports ${one.from}`

test('the walk sees the imports of every room', () => {
  assert.deepEqual([...new Set(filesBelow(src).map(roomOf))].sort(), Object.keys(arrows).sort())
  assert.ok(imports.length > 200, `only ${imports.length} imports found`)
})

test('no room imports another that the architecture does not allow it', () => {
  const wrong = imports.filter(isOurs).filter((one) => {
    const [from, to] = [roomOf(one.file), roomOf(targetOf(one))]
    return from !== to && !arrows[from]?.includes(to)
  })
  assert.deepEqual(wrong.map(shown), [])
})

test('catalogue, blobs, images, tokens, mail and turnstile know of the core its ports and failures alone', () => {
  const wrong = imports.filter(isOurs).filter((one) => {
    const [room, name = ''] = steps(targetOf(one))
    return adapters.includes(roomOf(one.file)) && room === 'core' && !corePorts.includes(name)
  })
  assert.deepEqual(wrong.map(shown), [])
})

/** What the doors have in common, in a folder of its own. */
const shared = ['reference']

test('no door imports another door', () => {
  const doors = new Set(
    readdirSync(join(src, 'http'), { withFileTypes: true })
      .filter((one) => one.isDirectory() && !shared.includes(one.name))
      .map((one) => one.name),
  )
  const wrong = imports.filter(isOurs).filter((one) => {
    const [, own = ''] = steps(one.file)
    const [room, other = ''] = steps(targetOf(one))
    return roomOf(one.file) === 'http' && room === 'http' && doors.has(own) && doors.has(other) && own !== other
  })
  assert.deepEqual(wrong.map(shown), [])
})

test('each library of the outside stays in the room that is there for it', () => {
  const wrong = imports.filter((one) => {
    const rooms = libraries[one.from]
    return rooms !== undefined && !one.isTypeOnly && !rooms.includes(roomOf(one.file))
  })
  assert.deepEqual(wrong.map(shown), [])
})

test('no two files import each other in a circle', () => {
  const edges = new Map<string, string[]>()
  for (const one of imports.filter(isOurs).filter((one) => !one.isTypeOnly)) {
    edges.set(one.file, [...(edges.get(one.file) ?? []), targetOf(one)])
  }
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    assert.ok(!way.includes(file), `a circle: ${[...way, file].map((one) => relative(src, one)).join(' -> ')}`)
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of edges.keys()) visit(file, [])
})
