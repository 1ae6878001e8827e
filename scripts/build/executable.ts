import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type Arch = 'x64' | 'arm64'

export interface ExecutableParts {
  readonly arch: Arch
  /** The Node that is to carry everything, as it came in its package. */
  readonly node: string
  /** The bundle that it runs. */
  readonly main: string
  /** What else it carries: name to text, or to the path of a file. */
  readonly texts: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
}

/** What Node's manual names for it; it comes without types. */
const { inject } = createRequire(import.meta.url)('postject') as {
  inject(file: string, name: string, blob: Buffer, options: { sentinelFuse: string }): Promise<void>
}

/** By this mark in its machine code Node is told that a blob lies within it (its manual, "Single executable applications"). */
const fuse = 'NODE_SEA' + '_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * Writes the executable to `output`: the same bytes for the same parts, whenever and wherever it is done.
 *
 * The blob is written by the very Node that is to carry it (the one of this build's own processor where it is another's), and
 * put in by postject: what pkg does within, but for the seed below, which pkg has no way to pass on.
 */
export async function makeExecutable(parts: ExecutableParts, output: string): Promise<void> {
  mkdirSync(dirname(output), { recursive: true })
  const folder = mkdtempSync(`${output}-`)
  try {
    const blob = writeBlob(parts, folder)
    const made = join(folder, 'larder')
    copyFileSync(parts.node, made)
    chmodSync(made, 0o755)
    // Of a copy, and before the blob is in it: a file that is stripped afterwards crashes.
    strip(parts.arch, made)
    await quietly(() => inject(made, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: fuse }))
    renameSync(made, output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeBlob({ arch, node, main, texts, files }: ExecutableParts, folder: string): string {
  const config = {
    // Relative, because the blob keeps the name that its code was read from.
    main: 'larder.cjs',
    output: 'larder.blob',
    assets: { ...writeTexts(texts, folder), ...files },
    disableExperimentalSEAWarning: true,
    // Compiled code fits the processor and the Node that compiled it. It saves a third of a start.
    useCodeCache: arch === process.arch,
    // What NODE_OPTIONS says is meant for somebody's own programs.
    execArgvExtension: 'none',
  }
  writeFileSync(join(folder, 'larder.cjs'), main)
  writeFileSync(join(folder, 'blob.json'), JSON.stringify(config))
  const writer = arch === process.arch ? node : process.execPath
  // Compiled code has chance in it, and with a seed none. (Other flags of V8's for that would have it refused when it is read.)
  execFileSync(writer, ['--random-seed=1', '--experimental-sea-config', 'blob.json'], { cwd: folder, stdio: 'ignore' })
  return join(folder, 'larder.blob')
}

function writeTexts(texts: ExecutableParts['texts'], folder: string): Record<string, string> {
  const assets = Object.entries(texts).map(([name, text], n) => {
    writeFileSync(join(folder, `text-${n}`), text)
    return [name, `text-${n}`]
  })
  return Object.fromEntries(assets)
}

function strip(arch: Arch, file: string): void {
  const program = stripperOf(arch)
  try {
    execFileSync(program, ['--strip-unneeded', file])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const debian = arch === process.arch ? 'binutils' : `binutils-${program.replace(/-strip$/, '')}`.replace('_', '-')
    throw new Error(`there is no ${program}: apt-get install ${debian}`)
  }
}

/** postject warns of the sections of every Linux program; what is wrong it throws. */
async function quietly(work: () => Promise<void>): Promise<void> {
  const { write } = process.stderr
  process.stderr.write = () => true
  try {
    await work()
  } finally {
    process.stderr.write = write
  }
}

const stripperOf = (arch: Arch): string =>
  arch === process.arch ? 'strip' : `${arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu-strip`
