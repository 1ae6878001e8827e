import { access } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { sharp } from './engine.ts'
import { decodingFailure } from './failures.ts'
import type { Picture } from './picture.ts'
import type { Plan } from './plan.ts'
import { steps } from './steps.ts'

interface RenderLimits {
  readonly maxPixels: number
  readonly timeoutMs: number
}

/** Makes the variant's bytes. Rejects with `type_refused` where the pixels cannot be decoded, and `not_found`. */
export async function render(picture: Picture, plan: Plan, limits: RenderLimits): Promise<Buffer> {
  try {
    return await steps.reduce((image, step) => step(image, plan, picture), decoder(picture, plan, limits)).toBuffer()
  } catch (error) {
    throw await decodingFailure(error, picture.source, access)
  }
}

function decoder(picture: Picture, plan: Plan, { maxPixels, timeoutMs }: RenderLimits): Sharp {
  const image = sharp(picture.input, {
    // A picture that ends too early gives what there is.
    failOn: 'none',
    limitInputPixels: maxPixels,
    pages: plan.frames > 1 ? -1 : 1,
  })
  // Counted in whole seconds, and one more: whoever waits is answered by our own clock, this makes the work itself stop.
  return image.timeout({ seconds: Math.ceil(timeoutMs / 1_000) + 1 })
}
