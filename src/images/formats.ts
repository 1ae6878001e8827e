import type { Sharp } from 'sharp'

/** A kind of picture that browsers show and that variants are made in. */
interface FormatFacts {
  readonly contentType: string
  /** Whether it can hold transparency. */
  readonly alpha: boolean
  /** Whether an animation stays one. */
  readonly animated: boolean
  /** The longest side that the format, or its encoder, can hold. */
  readonly maxSide: number
  /** The largest variant, in pixels, that `auto` makes in it: its encoder is slow and cannot be stopped. */
  readonly autoPixels: number
  /** What it is encoded with when the URL does not say; undefined where quality means nothing. */
  readonly quality: number | undefined
  encode(image: Sharp, quality: number): Sharp
}

// Where the eye stops seeing loss in photos at ordinary sizes; AVIF's scale is another one.
const WEBP_QUALITY = 80
const JPEG_QUALITY = 80
const AVIF_QUALITY = 50

// Efforts are chosen for the first visitor, who waits. AVIF at 3 takes twice as long as at 2 and saves 3 % of the bytes;
// WebP at 4 saves nothing over 3; GIF at 7 takes four times as long as at 3 and saves 10 %. MozJPEG's trellis is left off
// for the same reason.
const AVIF_EFFORT = 2
const WEBP_EFFORT = 3
const GIF_EFFORT = 3

/** A frame of the usual largest sides. Encoding it takes a second or two; a photo as the camera left it would take ten. */
const AVIF_AUTO_PIXELS = 4_000_000

export const formats = {
  webp: {
    contentType: 'image/webp',
    alpha: true,
    animated: true,
    maxSide: 16_383,
    autoPixels: Number.POSITIVE_INFINITY,
    quality: WEBP_QUALITY,
    encode: (image, quality) => image.webp({ quality, effort: WEBP_EFFORT }),
  },
  avif: {
    contentType: 'image/avif',
    alpha: true,
    animated: false,
    maxSide: 16_384,
    autoPixels: AVIF_AUTO_PIXELS,
    quality: AVIF_QUALITY,
    encode: (image, quality) => image.avif({ quality, effort: AVIF_EFFORT }),
  },
  jpeg: {
    contentType: 'image/jpeg',
    alpha: false,
    animated: false,
    maxSide: 65_535,
    autoPixels: Number.POSITIVE_INFINITY,
    quality: JPEG_QUALITY,
    encode: (image, quality) => image.jpeg({ quality }),
  },
  png: {
    contentType: 'image/png',
    alpha: true,
    animated: false,
    maxSide: 2 ** 31 - 1,
    autoPixels: Number.POSITIVE_INFINITY,
    quality: undefined,
    encode: (image) => image.png(),
  },
  gif: {
    contentType: 'image/gif',
    alpha: true,
    animated: true,
    maxSide: 65_535,
    autoPixels: Number.POSITIVE_INFINITY,
    quality: undefined,
    encode: (image) => image.gif({ effort: GIF_EFFORT }),
  },
} as const satisfies Readonly<Record<string, FormatFacts>>

export type Format = keyof typeof formats

export const formatNames = Object.keys(formats) as Format[]

export function factsOf(format: Format): FormatFacts {
  return formats[format]
}

/** Formats that `auto` prefers where the client names them, best first. */
export const negotiable = ['avif', 'webp'] as const satisfies readonly Format[]

const DRAWING = 'image/svg+xml'

const pictureTypes = new Set<string>([
  ...formatNames.map((name) => formats[name].contentType),
  'image/tiff',
  'image/heic',
  'image/heif',
  DRAWING,
])

function bareType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

export function isPicture(contentType: string): boolean {
  return pictureTypes.has(bareType(contentType))
}

export function isDrawing(contentType: string): boolean {
  return bareType(contentType) === DRAWING
}
