import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { PlannedFile } from '../service/plan.ts'
import { isSealed } from '../service/seal.ts'

/** Copies an executable into its place: a Larder that runs keeps the file it was started from. */
export function putCopy(source: string, path: string): void {
  // No copy of the system's, which gives it to the source's owner, who could then change what root runs.
  replace(path, 0o755, (beside) => writeFileSync(beside, readFileSync(source), { mode: 0o600, flag: 'wx' }))
}

/**
 * Writes a file of a plan, where it is not there already as it shall be kept.
 * @returns where the former one went, if somebody changed it.
 */
export function putFile(path: string, { mode, content, isKept }: PlannedFile): string | undefined {
  const former = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  if (isKept && former !== undefined) return undefined
  const old = former !== undefined && isChanged(former, content) ? `${path}.old` : undefined
  if (old !== undefined) putText(old, mode, former as string)
  putText(path, mode, content)
  return old
}

/** Whether a file that is to be replaced holds what no Larder wrote. */
export const isChanged = (former: string, content: string): boolean => former !== content && !isSealed(former)

function putText(path: string, mode: number, content: string): void {
  replace(path, mode, (beside) => writeFileSync(beside, content, { mode, flag: 'wx' }))
}

/** Beside its place and then into it. Nobody can know the name beforehand and lay a link there for root to write through. */
function replace(path: string, mode: number, make: (beside: string) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const beside = `${path}.${randomUUID()}.new`
  try {
    make(beside)
    chmodSync(beside, mode)
    const file = openSync(beside, 'r')
    fsyncSync(file)
    closeSync(file)
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
