import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Arch, makeExecutable } from './executable.ts'
import { partsOf } from './parts.ts'

// `npm run build [-- --arch arm64] [--output FILE]`: makes the one executable file. Where there is no repository to ask for
// the commit (in an image), SOURCE_COMMIT says it.
const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: { arch: { type: 'string', default: process.arch }, output: { type: 'string' } },
})
const arch = values.arch as Arch
if (arch !== 'x64' && arch !== 'arm64') throw new Error(`--arch is x64 or arm64, and not ${arch}`)
const output = values.output ?? `${root}dist/${arch === process.arch ? 'larder' : `larder-linux-${arch}`}`

await makeExecutable(await partsOf(root, arch, process.env.SOURCE_COMMIT), output)
console.log(output)
