import type { Catalogue } from '../core/catalogue.ts'
import type { BlobStore, Clock } from '../core/ports.ts'
import { expireUploads } from '../core/upload-upkeep.ts'
import { collectGarbage, type GcOptions } from './gc.ts'
import { forgetThePast } from './retention.ts'
import { sweepFolders } from './sweep.ts'

/** How often the server looks for errands: one look in an index that is nearly always empty. */
const errandsEveryMs = 100

/** The first collection comes soon: a box that is switched off every night would never see the end of a long interval. */
const firstAfterMs = 60_000

/** How long an upload may outlive its end. */
const expireEveryMs = 60_000

export interface ScheduleParts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly gc: { readonly graceMs: number; readonly intervalMs: number }
  readonly report: (error: unknown) => void
}

export interface Schedule {
  /** Sweeps soon. */
  sweep(): void
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** The work of a running server that no request asks for. One piece at a time. */
export function startSchedule(parts: ScheduleParts): Schedule {
  let last: Promise<void> = Promise.resolve()
  let stopped = false
  const stopping = new AbortController()
  const run = (work: () => Promise<unknown>): Promise<void> => {
    last = last.then(async () => {
      if (!stopped) await work().catch(parts.report)
    })
    return last
  }
  const collect = async (): Promise<void> => {
    await collectGarbage({ ...parts, signal: stopping.signal }, { graceMs: parts.gc.graceMs, dryRun: false })
    await forgetThePast(parts)
  }
  let looking = false
  const errands = setInterval(() => {
    if (looking) return
    looking = true
    void run(() => doErrands(parts)).finally(() => {
      looking = false
    })
  }, errandsEveryMs).unref()
  const first = setTimeout(() => run(collect), Math.min(firstAfterMs, parts.gc.intervalMs)).unref()
  const regular = setInterval(() => run(collect), parts.gc.intervalMs).unref()
  const expiry = setInterval(() => run(() => expireUploads(parts)), expireEveryMs).unref()
  void run(() => sweepFolders({ ...parts, signal: stopping.signal }))
  return {
    sweep: () => void run(() => sweepFolders({ ...parts, signal: stopping.signal })),
    stop: async () => {
      stopped = true
      clearInterval(errands)
      clearInterval(regular)
      clearInterval(expiry)
      clearTimeout(first)
      stopping.abort()
      await last
    },
  }
}

async function doErrands(parts: ScheduleParts): Promise<void> {
  for (const { id, job, options } of await parts.catalogue.read.openErrands()) {
    const result = await doErrand(parts, job, options).catch((error) => {
      parts.report(error)
      return { failure: 'the server could not do it; its log says why' }
    })
    await parts.catalogue.write.finishErrand({ id, result, now: parts.clock.now() })
  }
}

async function doErrand(parts: ScheduleParts, job: string, options: object): Promise<object> {
  if (job === 'gc') return collectGarbage(parts, options as GcOptions)
  return { failure: `this server knows no job "${job}"` }
}
