import { readFile, stat } from 'node:fs/promises'
import type { PictureSource } from '../core/ports.ts'
import { sharp } from './engine.ts'
import { missingOr, tooLarge, unreadable } from './failures.ts'
import { DRAWING_BYTES_MAX, ELEMENTS_MAX, EMBEDDED_PIXELS_MAX } from './limits.ts'

/*
 * A drawing (SVG) is a program for the rasteriser, and its header says nothing of what running it takes: a file of half a
 * megabyte with one embedded PNG was seen to take 3.6 GB. So what could grow is looked for first, and what cannot be
 * looked through is refused. Nothing is loaded from outside: the rasteriser is given bytes and no base to resolve from.
 */

/** Encodings in which the bytes of ASCII mean ASCII, so that what is looked for cannot hide. */
const plainEncodings = /^(?:utf-?8|us-ascii|iso-8859-\d+|windows-125\d)$/i

/** The drawing's bytes, once they have been found harmless. Rejects with `too_large`, `type_refused`, `not_found`. */
export async function readDrawing(source: PictureSource): Promise<Buffer> {
  const bytes = await read(source)
  const text = plainText(bytes)
  if (text === undefined) throw unreadable(source, 'not plain XML')
  // Entities and default attributes would let markup appear that is not in the text.
  if (/<!(?:ENTITY|ATTLIST)/i.test(text)) throw unreadable(source, 'declares entities')
  if ((text.match(/<[^/!?]/g)?.length ?? 0) > ELEMENTS_MAX) throw unreadable(source, 'too many elements')
  await checkEmbedded(source, text)
  return bytes
}

async function read(source: PictureSource): Promise<Buffer> {
  try {
    const { size } = await stat(source.path)
    if (size > DRAWING_BYTES_MAX) throw tooLarge(DRAWING_BYTES_MAX, 'bytes')
    return await readFile(source.path)
  } catch (error) {
    throw missingOr(error, source)
  }
}

/** One character a byte; undefined for what is compressed, in a wide encoding, or not markup at all. */
function plainText(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1')
  if (!/^(?:\u00ef\u00bb\u00bf)?\s*</.test(text) || text.includes('\0')) return undefined
  const declared = /^[^<]*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)/.exec(text)?.[1]
  return declared === undefined || plainEncodings.test(declared) ? text : undefined
}

async function checkEmbedded(source: PictureSource, text: string): Promise<void> {
  if (!/<[^\s<>"'=/]*(?:image|include)[\s/>]/i.test(text)) return
  let pixels = 0
  for (const url of dataUrls(text)) {
    pixels += await pixelsIn(url).catch((error) => {
      throw unreadable(source, error)
    })
    if (pixels > EMBEDDED_PIXELS_MAX) throw tooLarge(EMBEDDED_PIXELS_MAX, 'pixels')
  }
}

/** Whatever could be read as a data URL, wherever it stands; rather one too many than one too few. */
function dataUrls(text: string): string[] {
  const spelled = text
    .replace(/&#x0*([0-9a-f]{1,6});/gi, (_, digits) => character(Number.parseInt(digits, 16)))
    .replace(/&#0*(\d{1,7});/g, (_, digits) => character(Number(digits)))
    .replace(/[\t\r\n]/g, '')
  return [...spelled.matchAll(/(?<=["'\0- ])data:([^"'<]*)/gi)].map(([, rest]) => rest ?? '')
}

function character(code: number): string {
  return code < 256 ? String.fromCharCode(code) : '?'
}

async function pixelsIn(url: string): Promise<number> {
  const comma = url.indexOf(',')
  const payload = url
    .slice(comma + 1)
    .replace(/%([0-9a-f]{2})/gi, (_, digits) => character(Number.parseInt(digits, 16)))
  const encoded = /;\s*base64\s*$/i.test(url.slice(0, Math.max(0, comma)))
  const header = await sharp(Buffer.from(payload, encoded ? 'base64' : 'latin1'), {
    limitInputPixels: false,
  }).metadata()
  // A drawing within a drawing would have to be looked through the same way.
  if (header.format === 'svg') throw new Error('a drawing within a drawing')
  return header.width * header.height
}
