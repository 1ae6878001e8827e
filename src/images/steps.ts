import type { Sharp } from 'sharp'
import { factsOf } from './formats.ts'
import type { Picture } from './picture.ts'
import type { Plan } from './plan.ts'

/** One thing that may be done to a picture. A step with nothing to do returns the image as it came. */
type Step = (image: Sharp, plan: Plan, picture: Picture) => Sharp

const CLEAR = { r: 255, g: 255, b: 255, alpha: 0 }
const WHITE = { r: 255, g: 255, b: 255, alpha: 1 }

/** Sets upright what the camera only marked as turned. First, because all after it speaks of the sides that people see. */
const orient: Step = (image, _plan, { turned }) => (turned ? image.autoOrient() : image)

/** The frame is final and never larger than the picture; `withoutEnlargement` only guards against half a pixel. */
const resize: Step = (image, { frame, format }, picture) => {
  const { width, height, fit } = frame
  if (width === picture.width && height === picture.height) return image
  const background = factsOf(format).alpha ? CLEAR : WHITE
  return image.resize({ width, height, fit, background, withoutEnlargement: true })
}

/** Puts what is transparent on white, where the format knows no transparency; it would turn black otherwise. */
const flatten: Step = (image, { format }, { hasAlpha }) =>
  hasAlpha && !factsOf(format).alpha ? image.flatten({ background: WHITE }) : image

/** Everything leaves in sRGB: the profile goes with the metadata, and without one browsers take a picture for sRGB. */
const colours: Step = (image) => image.toColourspace('srgb')

const encode: Step = (image, { format, quality = 100 }) => factsOf(format).encode(image, quality)

/** What is done to a picture, in order. The library leaves all metadata out of what it encodes. */
export const steps: readonly Step[] = [orient, resize, flatten, colours, encode]
