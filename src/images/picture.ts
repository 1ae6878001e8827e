import { access } from 'node:fs/promises'
import type { Metadata } from 'sharp'
import type { PictureFacts, PictureSource } from '../core/ports.ts'
import { readDrawing } from './drawing.ts'
import { sharp } from './engine.ts'
import { decodingFailure, tooLarge, unreadable } from './failures.ts'
import { type Format, formats, isDrawing } from './formats.ts'
import { FRAMES_MAX } from './limits.ts'
import { mendedWebp } from './mend.ts'

/** A picture whose header has been read. Width and height are those of one frame, the right way up. */
export interface Picture extends PictureFacts {
  readonly source: PictureSource
  /** What the library reads the pixels from. */
  readonly input: string | Buffer
  /** The picture's own format, where browsers show it. */
  readonly shown: Format | undefined
  readonly hasAlpha: boolean
  /** Whether its camera left it lying on its side or in a mirror. */
  readonly turned: boolean
}

/** Reads a picture's header. Rejects with `type_refused`, `not_found`, and `too_large` for a drawing. */
export async function openPicture(source: PictureSource): Promise<Picture> {
  if (isDrawing(source.contentType)) return describe(source, await readDrawing(source))
  try {
    return await describe(source, source.path)
  } catch (error) {
    const mended = await mendedWebp(source.path).catch(() => undefined)
    if (mended === undefined) throw error
    return describe(source, mended)
  }
}

async function describe(source: PictureSource, input: string | Buffer): Promise<Picture> {
  const header = await headerOf(source, input)
  const { width, height } = header.autoOrient
  if (!(width > 0 && height > 0)) throw unreadable(source, 'no size')
  const turned = (header.orientation ?? 1) > 1
  const facts = { width, height, frames: framesOf(header, turned) }
  // Counted whether or not the animation is kept: the decoder goes over all of them either way.
  if ((header.pages ?? 1) > FRAMES_MAX) throw tooLarge(FRAMES_MAX, 'frames')
  return { ...facts, source, input, shown: shownOf(header), hasAlpha: header.hasAlpha, turned }
}

/** The pixel limit is ours to check, with a word for it; the library would only say that it failed. */
async function headerOf(source: PictureSource, input: string | Buffer): Promise<Metadata> {
  try {
    return await sharp(input, { failOn: 'none', limitInputPixels: false }).metadata()
  } catch (error) {
    throw await decodingFailure(error, source, access)
  }
}

/** Pages are frames in webp and gif alone; a turned animation cannot be set upright as one, so it is its first frame. */
function framesOf(header: Metadata, turned: boolean): number {
  const animates = header.format === 'webp' || header.format === 'gif'
  return animates && !turned ? (header.pages ?? 1) : 1
}

function shownOf(header: Metadata): Format | undefined {
  if (header.format === 'heif') return header.compression === 'av1' ? 'avif' : undefined
  return header.format in formats ? (header.format as Format) : undefined
}
