import { tooLarge } from './failures.ts'
import { type Format, factsOf } from './formats.ts'
import { type Frame, frameOf, pixelsOf } from './geometry.ts'
import type { Picture } from './picture.ts'
import type { Order } from './recipe.ts'

/** All that is decided about a variant before a pixel is decoded. */
export interface Plan {
  readonly format: Format
  readonly quality: number | undefined
  readonly frame: Frame
  /** How many of the source's frames are used. */
  readonly frames: number
  /** The larger of the pixels read and the pixels written. */
  readonly costPixels: number
}

/** Throws `too_large` where the source, or what is asked for, is beyond the limits. */
export function planOf(picture: Picture, order: Order, maxPixels: number): Plan {
  if (pixelsOf(picture) > maxPixels) throw tooLarge(maxPixels, 'pixels')
  const frame = frameOf(picture, order.wish)
  const format = formatFor(picture, order, frame)
  const facts = factsOf(format)
  const frames = facts.animated ? picture.frames : 1
  const costPixels = Math.max(pixelsOf(picture), pixelsOf(frame)) * frames
  if (costPixels > maxPixels) throw tooLarge(maxPixels, 'pixels')
  if (longest(frame) > facts.maxSide) throw tooLarge(facts.maxSide, 'pixels')
  return { format, quality: order.wish.quality ?? facts.quality, frame, frames, costPixels }
}

/** The format asked for; the best one accepted that holds the picture as it is; its own; or one that every browser shows. */
function formatFor(picture: Picture, { wish, accepts }: Order, frame: Frame): Format {
  if (wish.format !== undefined && wish.format !== 'auto') return wish.format
  return accepts.find((format) => holds(format, picture, frame)) ?? picture.shown ?? everybodys(picture, frame)
}

function holds(format: Format, picture: Picture, frame: Frame): boolean {
  const { animated, maxSide, autoPixels } = factsOf(format)
  return (animated || picture.frames === 1) && longest(frame) <= maxSide && pixelsOf(frame) <= autoPixels
}

function everybodys(picture: Picture, frame: Frame): Format {
  return picture.hasAlpha || !holds('jpeg', picture, frame) ? 'png' : 'jpeg'
}

function longest({ width, height }: Frame): number {
  return Math.max(width, height)
}
