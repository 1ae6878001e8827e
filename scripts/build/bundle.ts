import { join } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { threads } from '../../src/assets.ts'

/** What comes of the sources: the way in, and each thread; all texts. */
export interface Bundles {
  readonly main: string
  readonly threads: Readonly<Record<keyof typeof threads, string>>
  /** The files that went in, for the list of licences. */
  readonly inputs: readonly string[]
}

/** These load their library from beside themselves; in the executable it comes from where Larder unpacked it. */
const loaders = [
  {
    package: 'better-sqlite3',
    file: /better-sqlite3[/]lib[/]binding\.js$/,
    text: (load: string) => `exports.getBinding = () => ${load}`,
  },
  // sharp's own loader refuses processors that its code would crash on; Larder has asked before (images/processor.ts).
  {
    package: 'sharp',
    file: /sharp[/]dist[/]sharp\.cjs$/,
    text: (load: string) => `module.exports = ${load}`,
  },
]

function nativeLoaders(root: string): Plugin {
  return {
    name: 'native-loaders',
    setup({ onLoad }) {
      for (const loader of loaders)
        onLoad({ filter: loader.file }, () => ({
          contents: loader.text(
            `require(${JSON.stringify(join(root, 'src/native/index.ts'))}).loadLibrary('${loader.package}')`,
          ),
          resolveDir: root,
        }))
    },
  }
}

/** Bundles the sources below `root` as CommonJS, which is what an executable's main and its threads must be in Node 24. */
export async function bundle(root: string): Promise<Bundles> {
  const inputs = new Set<string>()
  const one = async (entry: string): Promise<string> => {
    const { outputFiles, metafile } = await build({ ...options(root), entryPoints: [join(root, 'src', entry)] })
    for (const file of Object.keys((metafile as Metafile).inputs)) inputs.add(file)
    return outputFiles?.[0]?.text ?? ''
  }
  const main = await one('executable.ts')
  const others = await Promise.all(
    Object.entries(threads).map(async ([name, file]) => [name, await one(file)] as const),
  )
  return { main, threads: Object.fromEntries(others) as Bundles['threads'], inputs: [...inputs].sort() }
}

function options(root: string): BuildOptions & { write: false } {
  return {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    write: false,
    metafile: true,
    legalComments: 'none',
    absWorkingDir: root,
    // Names of functions stay in traces; blanks and comments are nobody's need.
    minifyWhitespace: true,
    minifySyntax: true,
    // sharp's build of modules looks for its library by a way of its own.
    alias: { sharp: join(root, 'node_modules/sharp/dist/index.cjs') },
    define: { 'import.meta.url': 'undefined' },
    plugins: [nativeLoaders(root)],
    logLevel: 'warning',
  }
}
