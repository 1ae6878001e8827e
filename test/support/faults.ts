import { type Disk, disk as realDisk } from '../../src/blobs/disk.ts'

/** A disk whose operations can be made to fail, and that counts them. */
export interface FaultyDisk {
  readonly disk: Disk
  /** How often each was asked for since the last `fail` or `mend`. */
  readonly counts: Readonly<Record<string, number>>
  /** From now on the n-th call of the operation (from 1; 0: each) fails with the system's error of that code. */
  fail(operation: keyof Disk, code: string, nth?: number): void
  mend(): void
}

export function faultyDisk(): FaultyDisk {
  let counts: Record<string, number> = {}
  let fault: { operation: keyof Disk; code: string; nth: number } | undefined
  const wrap = (operation: keyof Disk) => {
    const real = realDisk[operation] as (...args: unknown[]) => Promise<unknown>
    return async (...args: unknown[]): Promise<unknown> => {
      const count = (counts[operation] ?? 0) + 1
      counts[operation] = count
      if (fault?.operation === operation && (fault.nth === 0 || fault.nth === count)) {
        throw Object.assign(new Error(`${fault.code}: made to fail, ${operation}`), { code: fault.code })
      }
      return real(...args)
    }
  }
  const names = Object.keys(realDisk) as (keyof Disk)[]
  return {
    disk: Object.fromEntries(names.map((name) => [name, wrap(name)])) as unknown as Disk,
    get counts() {
      return counts
    },
    fail: (operation, code, nth = 0) => {
      counts = {}
      fault = { operation, code, nth }
    },
    mend: () => {
      counts = {}
      fault = undefined
    },
  }
}
