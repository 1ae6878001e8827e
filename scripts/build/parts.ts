import { assetNames, type ThreadName } from '../../src/assets.ts'
import { ownBuild } from '../../src/version.ts'
import { bundle } from './bundle.ts'
import type { Arch, ExecutableParts } from './executable.ts'
import { findLibraries } from './libraries.ts'
import { licensesText } from './licenses.ts'
import { packagesFor } from './packages.ts'

/** What the executable for a processor is made of: the sources below `root`, and the packages that are installed there. */
export async function partsOf(root: string, arch: Arch, commit?: string): Promise<ExecutableParts> {
  const modules = packagesFor(root, arch)
  const bundles = await bundle(root)
  const { libraries, files } = findLibraries(modules, arch)
  const threads = Object.entries(bundles.threads).map(([name, text]) => [assetNames.thread(name as ThreadName), text])
  return {
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
  }
}
