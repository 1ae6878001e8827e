import type { Wish } from './options.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

/** What the picture is made into: each frame's final size, and how the picture meets it. */
export interface Frame extends Size {
  readonly fit: 'cover' | 'contain' | 'fill'
}

/**
 * The final size. A picture is never enlarged: where it is smaller than the box, the box shrinks and keeps its shape, so that
 * a page that laid out a square still gets a square.
 */
export function frameOf(source: Size, wish: Wish): Frame {
  const { width, height, fit = 'cover' } = wish
  if (width === undefined && height === undefined) return { ...source, fit: 'fill' }
  const across = width === undefined ? Number.POSITIVE_INFINITY : width / source.width
  const down = height === undefined ? Number.POSITIVE_INFINITY : height / source.height
  if (width === undefined || height === undefined) return scaled(source, Math.min(across, down))
  switch (fit) {
    case 'inside':
      return scaled(source, Math.min(across, down))
    case 'outside':
      return scaled(source, Math.max(across, down))
    case 'contain':
      return { ...shrunk({ width, height }, Math.min(across, down)), fit }
    default:
      return { ...within(shrunk({ width, height }, Math.max(across, down)), source), fit }
  }
}

export function pixelsOf(size: Size): number {
  return size.width * size.height
}

/** The source itself, made smaller; its shape is settled here, so the library has nothing left to keep. */
function scaled(source: Size, factor: number): Frame {
  return { ...shrunk(source, 1 / Math.min(1, factor)), fit: 'fill' }
}

/** A size divided by what it is too large by. */
function shrunk(size: Size, excess: number): Size {
  const by = Math.max(1, excess)
  return { width: Math.max(1, Math.round(size.width / by)), height: Math.max(1, Math.round(size.height / by)) }
}

function within(size: Size, source: Size): Size {
  return { width: Math.min(size.width, source.width), height: Math.min(size.height, source.height) }
}
