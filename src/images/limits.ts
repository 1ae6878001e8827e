/** Limits that are not for configuration, because what they guard does not depend on the machine. */

/** Requests that may wait for a render: enough for a page full of previews; more are told to come back. */
export const WAITING_MAX = 64

/** Of an animation. Frames of a single pixel cost as much as small pictures do: 400,000 of them took a render's whole time. */
export const FRAMES_MAX = 1_000

export const DRAWING_BYTES_MAX = 2 * 1024 * 1024

/** The rasteriser needs some 5 KB for each element of a drawing. */
export const ELEMENTS_MAX = 20_000

/** Of all pictures embedded in a drawing; the rasteriser needs some 9 bytes for each. */
export const EMBEDDED_PIXELS_MAX = 12_000_000
