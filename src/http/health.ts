import type { Request, Response } from 'express'
import { Router } from 'express'
import type { Core } from '../core/core.ts'
import { Failure } from '../core/failure.ts'
import { failure } from './root-failures.ts'

/** How long an answer about the disk holds: a probe costs a sync, and anybody may ask. */
const probeHoldsMs = 1_000

/** `/healthz`: this process serves. `/readyz`: the disk can be written and the catalogue answers. Neither wants a key. */
export function health(core: Core): Router {
  const router = Router()
  const ready = throttled(() => check(core))
  router.get('/healthz', (_request: Request, response: Response) => {
    response.set('Cache-Control', 'no-store').json({ status: 'ok' })
  })
  router.get('/readyz', async (_request: Request, response: Response) => {
    const faults = await ready()
    const status = faults.length === 0 ? 'ready' : 'not ready'
    response
      .status(faults.length === 0 ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ status, faults })
  })
  router.all(['/healthz', '/readyz'], (_request: Request, response: Response) => {
    const { status, body } = failure(new Failure('method_not_allowed', { allowed }))
    response
      .status(status)
      .set({ Allow: allowed.join(', '), 'Cache-Control': 'no-store' })
      .json(body)
  })
  return router
}

const allowed = ['GET', 'HEAD', 'OPTIONS']

/** What does not work, in words without paths or causes: anybody may read them. */
async function check(core: Core): Promise<string[]> {
  const [disk, catalogue] = await Promise.allSettled([core.blobs.probe(), core.catalogue.read.ping()])
  return [
    ...(disk.status === 'rejected' ? ['the disk cannot be written'] : []),
    ...(catalogue.status === 'rejected' ? ['the catalogue does not answer'] : []),
  ]
}

function throttled<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined
  let at = Number.NEGATIVE_INFINITY
  return () => {
    if (last && performance.now() - at < probeHoldsMs) return last
    at = performance.now()
    last = work()
    return last
  }
}
