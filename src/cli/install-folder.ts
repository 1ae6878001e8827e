import { lstatSync, readdirSync, statSync } from 'node:fs'
import { shellWord } from '../core/text.ts'
import type { Existing } from '../service/plan.ts'
import { standardData, user } from '../service/units.ts'

/** Empty or not, they are everybody's. */
const ofTheSystem = new Set(['/', '/home', '/media', '/mnt', '/opt', '/root', '/srv', '/tmp', '/usr/local', '/var'])

export interface Wish {
  /** The data folder. */
  readonly data: string
  /** Where it lies for who looks, as below the root of an image. */
  readonly path: string
  /** The number of the user `larder`, where there is one. */
  readonly owner: number | undefined
}

/**
 * What has to be done for a data folder to be the service's. Nothing that is somebody's changes hands: a store that root made would
 * do so in part, and a home would be shut.
 * @returns the words of a refusal where it is neither missing, nor larder's, nor an empty one of root's.
 */
export function folderWork({ data, path, owner }: Wish): Existing['folder'] | { readonly refusal: string } {
  // systemd makes it itself (StateDirectory=), and gives all that is in it to larder.
  if (data === standardData) return 'none'
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() && found.uid === owner) return 'none'
  const link = lstatSync(path, { throwIfNoEntry: false })
  if (link === undefined) return 'make'
  if (!link.isDirectory()) return refused(`${data} is no folder: name another`)
  if (ofTheSystem.has(data)) return refused(`${data} belongs to the system: name a folder below it, as ${below(data)}`)
  const names = readdirSync(path)
  if (names.length === 0 && link.uid === 0) return 'give'
  if (names.some((name) => name.startsWith('catalogue.'))) return refused(howToGive(data, owner))
  return refused(
    `${data} is there already and is not ${user}'s: name a folder that is not there yet, as ${below(data)}, which is made`,
  )
}

const refused = (refusal: string) => ({ refusal })

const below = (data: string): string => `${data === '/' ? '' : data}/larder`

function howToGive(data: string, owner: number | undefined): string {
  const commands = [
    ...(owner === undefined ? [`systemd-sysusers --inline 'u ${user} - "Larder"'`] : []),
    `chown -R ${user}:${user} ${shellWord(data)}`,
  ]
  return [
    `${data} is a store that is not ${user}'s. Stop the Larder that serves it, run this, and install again:`,
    ...commands.map((command) => `    ${command}`),
  ].join('\n')
}
