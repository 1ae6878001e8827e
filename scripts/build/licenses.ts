import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Arch } from './executable.ts'

interface Contained {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly text: string
}

interface Described extends Pick<Contained, 'name' | 'version'> {
  readonly license?: string
  readonly licenses?: readonly { readonly type: string }[]
}

const require = createRequire(import.meta.url)
const rule = `\n${'='.repeat(80)}\n`

/** Licences that libvips and the libraries in it are used under and that their package names without their text. */
const ofLibvips = [
  'LGPL-3.0-or-later',
  'GPL-3.0-or-later',
  'MPL-1.1',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'MIT',
  'Zlib',
  'IJG',
  'FTL',
  'libtiff',
  'libpng-2.0',
]

const replacing = `The library libvips and those in it are separate files, which Larder unpacks as they came. To run Larder with ones that
you have changed, build it from its sources with your own in place of the package @img/sharp-libvips-linux-*:
npm run build does it.`

/**
 * The licences of everything that the executable contains: what it is, under which licence, and each licence's text.
 * @param inputs the files that were bundled, below `root`.
 * @param modules where the packages of machine code lie.
 */
export function licensesText(root: string, inputs: readonly string[], modules: string, arch: Arch): string {
  const bundled = inputs.map((file) => /^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1])
  const folders = [...new Set(bundled)].filter((folder) => folder !== undefined).map((folder) => join(root, folder))
  const machineCode = [`node-linux-${arch}`, `@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`]
  const all = [...folders, ...machineCode.map((name) => join(modules, name))].map(contained)
  const list = all.map(({ name, version, license }) => `${name} ${version}: ${license}`).sort()
  return [
    `Larder contains:\n\n${list.join('\n')}\nSQLite (within better-sqlite3): in the public domain\n\n${replacing}\n`,
    ...all.map(({ name, version, text }) => `${name} ${version}\n\n${text.trim()}\n`),
    ...ofLibvips.map((id) => `${id}, for libraries within libvips\n\n${textOf(id)}\n`),
  ].join(rule)
}

function contained(folder: string): Contained {
  const { name, version, ...said } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Described
  // Old packages say it in a list.
  const license = said.license ?? said.licenses?.map(({ type }) => type).join(' OR ')
  if (!license) throw new Error(`${name} says no licence`)
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'))
  // The package of libvips tells what is in it, and by which licence, in its description.
  if (name.includes('libvips')) texts.push(readFileSync(join(folder, 'README.md'), 'utf8'))
  if (texts.length === 0)
    texts.push(
      ...license
        .split(/ AND | OR |[()]/)
        .filter(Boolean)
        .map(textOf),
    )
  return { name, version, license, text: texts.join('\n\n') }
}

/** By the name of the list of SPDX. Throws for one that is not in it: a licence without its text is not kept. */
function textOf(id: string): string {
  return (require(`spdx-license-list/licenses/${id.trim()}.json`) as { licenseText: string }).licenseText.trim()
}
