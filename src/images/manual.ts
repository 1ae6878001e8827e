import { grouped } from '../core/text.ts'
import type { Limits } from './arguments.ts'
import { formatNames, formats } from './formats.ts'
import { DRAWING_BYTES_MAX, ELEMENTS_MAX, EMBEDDED_PIXELS_MAX } from './limits.ts'
import { optionNames, options } from './options.ts'

/** What a server allows that was not configured otherwise. */
const usual: Limits = { maxSide: 2_000 }

/** The manual's page on image options, made from the tables. */
export function imagesMarkdown(): string {
  return `# Pictures

<!-- Made from src/images/options.ts and formats.ts by \`UPDATE_DOCS=1 npm test\`; changes belong there. -->

\`/m/{file_id}\` and \`/d/{file_id}\` make smaller or other versions of a picture when the query asks for one:
\`/m/{file_id}?width=400&format=webp\`. Without any of these options, and for files that are not pictures, the stored bytes
are sent. Names that are not listed are ignored; a listed one with a bad value is refused with status 400.

| Option | Short | Value | Meaning |
|---|---|---|---|
${optionNames.map(optionRow).join('\n')}

The largest width and height are \`images.max_side\`. The order and spelling of the options make no difference, and giving
one twice is an error unless both say the same.

A picture is never enlarged. Where it is smaller than the box, the box shrinks and keeps its shape: a square asked of a
300 x 100 picture is 100 x 100. It is turned the right way up first, comes out in sRGB, and carries no metadata: no place, no
camera, no profile.

## Formats

| Format | Content type | Quality | Transparency | Animation |
|---|---|---|---|---|
${formatNames.map(formatRow).join('\n')}

Without \`format\` a picture stays what it is. What browsers do not show (TIFF, HEIC, drawings in SVG) becomes jpeg, or png
where it has transparency. With \`auto\` it becomes avif, or else webp, where the client names that type in \`Accept\` (a
wildcard is not enough), and otherwise stays what it is. An animation is not made avif, which would stop it, nor is what
has more than ${grouped(formats.avif.autoPixels)} pixels, which would take long. Such answers carry \`Vary: Accept\`. What is transparent lies on
white in a jpeg. Formats without animation get the first frame.

Photos of the kind HEVC (most HEIC files) are refused: the bundled decoder may not include that codec.

## Limits

- A source has at most \`images.max_pixels\` pixels, all frames counted, and so has what is made of it: else status 413.
- A drawing has at most ${DRAWING_BYTES_MAX / 1024 / 1024} MiB, ${grouped(ELEMENTS_MAX)} elements and ${grouped(EMBEDDED_PIXELS_MAX)} pixels in embedded pictures. It is drawn at no more than
  its own size; nothing that it refers to is loaded, and one that declares entities or is compressed is refused.
- Making one takes at most \`images.timeout\`, and so does waiting for it: else status 503 with \`Retry-After\`.
- What was made is kept up to \`images.cache_size\`; the least used goes first. The cache folder may be deleted at any time.
- A picture that ends too early gives what there is of it. One that cannot be decoded is refused with status 415.
`
}

function optionRow(name: (typeof optionNames)[number]): string {
  const { aliases, argument, sentence } = options[name]
  const short = aliases.map((alias) => `\`${alias}\``).join(', ')
  return `| \`${name}\` | ${short} | ${argument.bounds(usual)} | ${sentence} |`
}

function formatRow(name: (typeof formatNames)[number]): string {
  const { contentType, quality, alpha, animated } = formats[name]
  return `| \`${name}\` | ${contentType} | ${quality ?? 'none'} | ${alpha ? 'yes' : 'no'} | ${animated ? 'yes' : 'no'} |`
}
