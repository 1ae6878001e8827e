import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { assetNames, type ThreadName } from '../../src/assets.ts'
import { ownBuild } from '../../src/version.ts'
import { bundle } from './bundle.ts'
import { type Arch, makeExecutable } from './executable.ts'
import { findLibraries } from './libraries.ts'
import { licensesText } from './licenses.ts'
import { packagesFor } from './packages.ts'

// `npm run build [-- --arch arm64] [--output FILE]`: makes the one executable file. Where there is no repository to ask for
// the commit (in an image), SOURCE_COMMIT says it.
const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: { arch: { type: 'string', default: process.arch }, output: { type: 'string' } },
})
const arch = values.arch as Arch
if (arch !== 'x64' && arch !== 'arm64') throw new Error(`--arch is x64 or arm64, and not ${arch}`)
const output = values.output ?? `${root}dist/${arch === process.arch ? 'larder' : `larder-linux-${arch}`}`

const commit = process.env.SOURCE_COMMIT
const modules = packagesFor(root, arch)
const bundles = await bundle(root)
const { libraries, files } = findLibraries(modules, arch)
const threads = Object.entries(bundles.threads).map(([name, text]) => [assetNames.thread(name as ThreadName), text])
await makeExecutable(
  {
    arch,
    node: `${modules}/node-linux-${arch}/bin/node`,
    main: bundles.main,
    texts: {
      ...Object.fromEntries(threads),
      [assetNames.build]: JSON.stringify({ ...ownBuild(), ...(commit && { commit }) }),
      [assetNames.libraries]: JSON.stringify(libraries),
      [assetNames.licenses]: licensesText(root, bundles.inputs, modules, arch),
    },
    files,
  },
  output,
)
console.log(output)
