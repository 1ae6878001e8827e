import type { PictureSource } from '../core/ports.ts'
import { Budget, busy, type Release } from './budget.ts'
import { RENDERS_AT_ONCE } from './engine.ts'
import { factsOf, isDrawing } from './formats.ts'
import { WAITING_MAX } from './limits.ts'
import { openPicture } from './picture.ts'
import { planOf } from './plan.ts'
import type { Order } from './recipe.ts'
import { render } from './render.ts'

export interface Made {
  readonly bytes: Buffer
  readonly contentType: string
}

export interface MakerOptions {
  readonly maxPixels: number
  readonly timeoutMs: number
  readonly budgetPixels: number
}

/** Makes variants, within what the machine can take. */
export class Maker {
  readonly #options: MakerOptions
  readonly #renders: Budget
  readonly #pixels: Budget
  readonly #drawings: Budget

  constructor(options: MakerOptions) {
    const line = { waiting: WAITING_MAX, waitMs: options.timeoutMs, why: 'too many pictures are being made' }
    this.#options = options
    this.#renders = new Budget({ ...line, capacity: RENDERS_AT_ONCE })
    this.#pixels = new Budget({ ...line, capacity: options.budgetPixels })
    // Nothing in a drawing tells how long it will take, and the rasteriser cannot be stopped at any moment: one at a
    // time, so that the worst of them leaves a place for photos.
    this.#drawings = new Budget({ ...line, capacity: 1 })
  }

  /** Pixels of all renders under way, those included whose time is over and that have not stopped yet. */
  get pixelsUnderWay(): number {
    return this.#pixels.held
  }

  /** Rejects with `too_large`, `type_refused`, `not_found`, `busy`. */
  async make(source: PictureSource, order: Order): Promise<Made> {
    const release = await this.#admit(source)
    // Given back when the work has ended, not when nobody waits for it any more.
    const work = this.#work(source, order).finally(release)
    return within(work, this.#options.timeoutMs)
  }

  async #admit(source: PictureSource): Promise<Release> {
    const leave = isDrawing(source.contentType) ? await this.#drawings.take(1) : () => {}
    try {
      const release = await this.#renders.take(1)
      return () => {
        release()
        leave()
      }
    } catch (error) {
      leave()
      throw error
    }
  }

  async #work(source: PictureSource, order: Order): Promise<Made> {
    const picture = await openPicture(source)
    const plan = planOf(picture, order, this.#options.maxPixels)
    const release = await this.#pixels.take(plan.costPixels)
    try {
      const bytes = await render(picture, plan, this.#options)
      return { bytes, contentType: factsOf(plan.format).contentType }
    } finally {
      release()
    }
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(busy('the picture takes too long', ms)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
