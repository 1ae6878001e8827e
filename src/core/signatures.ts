import { fileTypeFromBuffer } from 'file-type'

/**
 * One kind of bytes, and the types of files that may be made of them. Types are parted by spaces, in lower case and
 * without parameters.
 */
export interface Kind {
  /** What the library calls such bytes, exactly; it looks before `begins` does. */
  readonly told?: readonly string[]
  /** How such bytes begin where the library cannot tell by a file's head, or tells less. One character is one byte. */
  readonly begins?: RegExp
  /** What such bytes are called where the library has no word for them; the first strict type where absent. */
  readonly usual?: string
  /** Types whose files always begin like one of their kinds: all else is refused. */
  readonly strict?: string
  /** Types whose files may begin with anything (rubbish before a first frame): refused only as surely another kind. */
  readonly loose?: string
  /** Set where other bytes look so by chance too often for it to be a reason to refuse a loose type. */
  readonly faint?: true
}

const office = `application/msword application/vnd.ms-word application/vnd.ms-excel application/x-msexcel
  application/vnd.ms-powerpoint application/x-mspowerpoint application/vnd.visio application/vnd.ms-project`
const openOffice = `application/vnd.openxmlformats-officedocument.wordprocessingml.document
  application/vnd.openxmlformats-officedocument.wordprocessingml.template
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
  application/vnd.openxmlformats-officedocument.spreadsheetml.template
  application/vnd.openxmlformats-officedocument.presentationml.presentation
  application/vnd.openxmlformats-officedocument.presentationml.slideshow
  application/vnd.openxmlformats-officedocument.presentationml.template
  application/vnd.ms-word.document.macroenabled.12 application/vnd.ms-word.template.macroenabled.12
  application/vnd.ms-excel.sheet.macroenabled.12 application/vnd.ms-excel.template.macroenabled.12
  application/vnd.ms-excel.sheet.binary.macroenabled.12 application/vnd.ms-powerpoint.presentation.macroenabled.12
  application/vnd.ms-powerpoint.slideshow.macroenabled.12 application/vnd.ms-powerpoint.template.macroenabled.12`
const openDocument = `application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.text-template
  application/vnd.oasis.opendocument.text-master application/vnd.oasis.opendocument.spreadsheet
  application/vnd.oasis.opendocument.spreadsheet-template application/vnd.oasis.opendocument.presentation
  application/vnd.oasis.opendocument.presentation-template application/vnd.oasis.opendocument.graphics
  application/vnd.oasis.opendocument.graphics-template application/vnd.oasis.opendocument.formula
  application/vnd.oasis.opendocument.chart application/vnd.oasis.opendocument.image`
const flac = 'audio/flac audio/x-flac'
const aac = 'audio/aac audio/x-aac audio/aacp audio/vnd.dlna.adts audio/x-hx-aac-adts'
const mpegAudio =
  'audio/mpeg audio/mp3 audio/x-mp3 audio/mpeg3 audio/x-mpeg audio/x-mpeg-3 audio/mpg audio/x-mpg audio/mpa'
const transport = 'video/mp2t video/vnd.dlna.mpeg-tts'
const tar = 'application/x-tar application/tar application/x-gtar application/x-ustar'
const keynote = 'application/vnd.apple.keynote application/x-iwork-keynote-sffkey'
const postScript = 'application/postscript application/eps application/x-eps application/illustrator'

const pictures: readonly Kind[] = [
  { told: ['image/jpeg'], strict: 'image/jpeg image/jpg image/pjpeg' },
  { told: ['image/png', 'image/apng'], strict: 'image/png image/x-png image/apng image/vnd.mozilla.apng' },
  { told: ['image/gif'], strict: 'image/gif' },
  { told: ['image/webp'], strict: 'image/webp' },
  {
    told: ['image/avif', 'image/heif', 'image/heif-sequence', 'image/heic', 'image/heic-sequence'],
    // The brand in front may be a general one, and those after it say that this is a picture (ISO/IEC 23008-12, 10.2).
    begins: /^.{4}ftyp(?:.{4}){0,16}?(?:avi[fs]|heic|heix|heim|heis|hev[cxms]|mif[12]|msf1|miaf)/s,
    strict: 'image/heic image/heif image/heic-sequence image/heif-sequence image/avif image/avif-sequence',
  },
  {
    // A TIFF's directory often stands at its end, where the library looks for it and gives up.
    told: ['image/tiff', 'image/x-canon-cr3'],
    begins: /^(?:II[*+]\0|MM\0[*+]|IIR[OS]|MMOR|IIU\0|FUJIFILMCCD-RAW)/,
    strict: `image/tiff image/x-tiff image/tiff-fx image/x-adobe-dng image/dng image/x-canon-cr2 image/x-canon-cr3
      image/x-nikon-nef image/x-nikon-nrw image/x-sony-arw image/x-sony-sr2 image/x-sony-srf image/x-olympus-orf
      image/x-panasonic-rw2 image/x-panasonic-raw image/x-fujifilm-raf image/x-fuji-raf image/x-pentax-pef
      image/x-samsung-srw`,
  },
  { told: ['image/bmp'], strict: 'image/bmp image/x-bmp image/x-ms-bmp image/x-windows-bmp' },
  {
    told: ['image/x-icon'],
    strict: 'image/vnd.microsoft.icon image/x-icon image/ico image/icon image/x-ico application/ico',
    faint: true,
  },
  { told: ['image/jxl'], strict: 'image/jxl' },
  {
    told: ['image/jp2', 'image/jpx', 'image/jpm', 'image/mj2', 'image/j2c'],
    strict:
      'image/jp2 image/jpeg2000 image/x-jp2 image/jpx image/jpm image/j2c image/x-jp2-codestream video/mj2 image/mj2',
  },
  { told: ['image/vnd.ms-photo'], strict: 'image/vnd.ms-photo image/jxr' },
  {
    told: ['image/vnd.adobe.photoshop'],
    strict: `image/vnd.adobe.photoshop image/x-photoshop image/psd image/x-psd application/x-photoshop
      application/photoshop application/psd`,
  },
  { told: ['image/x-xcf'], strict: 'image/x-xcf' },
  { told: ['image/icns'], strict: 'image/icns image/x-icns' },
]

const soundAndFilm: readonly Kind[] = [
  {
    told: ['video/mp4', 'video/quicktime', 'video/3gpp', 'video/3gpp2', 'video/x-m4v', 'audio/mp4', 'audio/x-m4a'],
    // Old QuickTime, and fragments of a film, have no `ftyp` box in front.
    begins: /^.{4}(?:styp|moov|mdat|moof|free|skip|wide|pnot|sidx|emsg|prft|pdin|uuid)/s,
    strict: `video/mp4 application/mp4 audio/mp4 audio/m4a audio/x-m4a audio/x-m4b video/x-m4v video/quicktime
      video/3gpp video/3gpp2 audio/3gpp audio/3gpp2 video/x-f4v video/iso.segment`,
    loose: aac,
  },
  {
    told: ['video/webm', 'video/matroska'],
    begins: /^\x1aE\xdf\xa3/,
    strict: `video/webm audio/webm video/x-matroska audio/x-matroska video/matroska audio/matroska video/x-matroska-3d
      video/matroska-3d application/x-matroska`,
  },
  {
    begins: /^OggS/,
    strict: `audio/ogg video/ogg application/ogg audio/x-ogg video/x-ogg application/x-ogg audio/opus audio/vorbis
      audio/x-vorbis audio/speex audio/x-speex audio/x-vorbis+ogg audio/x-opus+ogg audio/x-flac+ogg video/x-theora+ogg
      ${flac}`,
  },
  {
    begins: /^(?:RIF[FX]|RF64|BW64).{4}WAVE/s,
    strict: 'audio/wav audio/wave audio/x-wav audio/vnd.wave audio/x-pn-wav',
  },
  { told: ['video/vnd.avi'], strict: 'video/vnd.avi video/avi video/msvideo video/x-msvideo' },
  { told: ['audio/flac'], strict: flac },
  { begins: /^FORM.{4}AIF[FC]/s, strict: 'audio/aiff audio/x-aiff audio/x-aifc' },
  { begins: /^(?:MThd|RIFF.{4}RMID)/s, strict: 'audio/midi audio/x-midi audio/mid audio/sp-midi application/x-midi' },
  { told: ['audio/amr'], strict: 'audio/amr audio/amr-wb' },
  { told: ['video/x-flv'], strict: 'video/x-flv video/flv' },
  // A tag of an MP3, which some put before other formats too.
  { begins: /^ID3/, usual: 'audio/mpeg', strict: flac, loose: `${mpegAudio} ${aac}` },
  { told: ['audio/mpeg', 'audio/aac'], loose: `${mpegAudio} ${aac}`, faint: true },
  {
    told: ['video/mp2t', 'video/mpeg', 'video/MP1S', 'video/MP2P'],
    loose: `video/mpeg video/x-mpeg video/mpg video/x-mpg video/mp1s video/mp2p ${transport}`,
    faint: true,
  },
  {
    told: ['video/x-ms-asf', 'audio/x-ms-asf', 'application/vnd.ms-asf'],
    loose: 'video/x-ms-asf audio/x-ms-asf application/vnd.ms-asf video/x-ms-wmv audio/x-ms-wma video/x-ms-wm',
  },
]

const documents: readonly Kind[] = [
  // Readers take a PDF whose first line stands somewhere in the first 1,024 bytes (ISO 32000-1, annex H.3.4.1).
  {
    told: ['application/pdf'],
    begins: /^.{0,1019}?%PDF-/s,
    strict: 'application/pdf application/x-pdf application/acrobat',
    loose: postScript,
  },
  { told: ['application/postscript', 'application/eps'], loose: postScript },
  // What is protected by a password is in this container, whatever is inside.
  { told: ['application/x-cfb'], strict: openOffice, loose: office },
  { begins: /^(?:\xef\xbb\xbf)?\s*\{\\rt/, strict: 'application/rtf application/x-rtf', loose: office },
  // Tables in plain text are sent as documents of the program that opens them, and a TypeScript source as a film.
  {
    begins: /^[^\0-\x08\x0e-\x19\x1c-\x1f]+$/,
    usual: 'text/plain',
    loose: `${office} ${keynote} ${postScript} ${transport}`,
    faint: true,
  },
]

const archives: readonly Kind[] = [
  {
    begins: /^(?:PK\x03\x04|PK\x05\x06|PK\x07\x08|PK00PK)/,
    strict: `application/zip application/x-zip-compressed application/x-zip application/zip-compressed
      application/epub+zip ${openOffice} ${openDocument} application/vnd.android.package-archive
      application/x-xpinstall model/3mf application/vnd.google-earth.kmz model/vnd.usdz+zip
      application/vnd.comicbook+zip application/x-cbz application/vnd.apple.pages application/vnd.apple.numbers`,
    // Some have a script in front; and `.key` is a key as often as a presentation.
    loose: `application/java-archive application/x-java-archive ${keynote} ${office}`,
  },
  // Also what is packed is often said to be a tar, after the name inside.
  {
    begins: /^\x1f\x8b/,
    strict: `application/gzip application/x-gzip application/x-gzip-compressed application/x-tgz
      application/x-compressed-tar application/x-gtar-compressed`,
    loose: tar,
  },
  {
    told: ['application/x-bzip2'],
    strict: `application/x-bzip2 application/x-bzip application/bzip2 application/x-bz2
      application/x-bzip-compressed-tar application/x-bzip2-compressed-tar`,
    loose: tar,
  },
  { told: ['application/x-xz'], strict: 'application/x-xz application/xz application/x-xz-compressed-tar', loose: tar },
  {
    told: ['application/zstd'],
    // What was packed by several threads begins with a frame to be skipped (RFC 8878, 3.1.2).
    begins: /^[\x50-\x5f]\x2a\x4d\x18/,
    strict: 'application/zstd application/x-zstd application/x-zst application/x-zstd-compressed-tar',
    loose: tar,
  },
  { told: ['application/x-compress'], strict: 'application/x-compress', loose: tar },
  // The name of its first file comes first, and may look like anything: the digits after it tell (POSIX, ustar).
  {
    told: ['application/x-tar'],
    begins: /^(?:.{257}ustar|[^\0].{99}(?:[ 0-7]{6}[ 0-7\0][ \0]){3}(?:[ 0-7]{11}[ \0]){2})/s,
    loose: tar,
  },
  { told: ['application/x-7z-compressed'], strict: 'application/x-7z-compressed' },
  {
    told: ['application/x-rar-compressed'],
    strict: 'application/vnd.rar application/x-rar application/x-rar-compressed application/rar',
  },
]

const fonts: readonly Kind[] = [
  { begins: /^wOFF/, strict: 'font/woff application/font-woff application/x-font-woff' },
  { begins: /^wOF2/, strict: 'font/woff2 application/font-woff2 application/x-font-woff2' },
  {
    told: ['font/ttf', 'font/otf', 'font/collection'],
    loose: `font/ttf font/otf font/sfnt font/collection application/font-sfnt application/x-font-ttf
      application/x-font-truetype application/x-font-otf application/x-font-opentype application/vnd.ms-opentype`,
    faint: true,
  },
  { told: ['application/vnd.ms-fontobject'], loose: 'application/vnd.ms-fontobject' },
]

/** Known so that they pass as nothing else; their own types are names of too many things to be held to them. */
const programs: readonly Kind[] = [
  { told: ['application/x-msdownload', 'application/x-elf', 'application/x-mach-binary', 'application/java-vm'] },
  { told: ['application/wasm', 'application/x-shockwave-flash', 'application/x-deb', 'application/x-rpm'] },
]

/** What bytes tell of themselves, and of which types a file may be that begins with them. */
export const kinds: readonly Kind[] = [...pictures, ...soundAndFilm, ...documents, ...archives, ...fonts, ...programs]

const words = (types = ''): string[] => types.split(/\s+/).filter((type) => type !== '')
const looseTypes = new Set(kinds.flatMap(({ loose }) => words(loose)))
const kindsOf = new Map<string, Set<Kind>>()
for (const kind of kinds) {
  for (const type of words(`${kind.strict ?? ''} ${kind.loose ?? ''}`)) {
    kindsOf.set(type, (kindsOf.get(type) ?? new Set()).add(kind))
  }
}

/** Every type that a file's bytes are held against, and how. */
export const checkedTypes: ReadonlyMap<string, 'strict' | 'loose'> = new Map(
  [...kindsOf.keys()].map((type) => [type, looseTypes.has(type) ? 'loose' : 'strict'] as const),
)

/** What the first bytes of a file say of it. */
export interface Bytes {
  /** The type they tell of themselves. */
  readonly told: string | undefined
  /** What they are, as far as can be said. */
  readonly found: string | undefined
  /** Whether they may be a file of this type, which is given in lower case and without parameters. */
  mayBe(type: string): boolean
}

/** Looks at the head of a file; some 4,000 bytes are enough. Never rejects: what cannot be read is of no kind. */
export async function lookAt(head: Uint8Array): Promise<Bytes> {
  const told = (await fileTypeFromBuffer(head).catch(() => undefined))?.mime
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1')
  const own = kinds.filter(({ told: mimes, begins }) => mimes?.some((mime) => mime === told) || begins?.test(text))
  const isSure = own.some((kind) => !kind.faint)
  return {
    told,
    found: told ?? own.map(({ usual, strict }) => usual ?? words(strict)[0]).find((type) => type !== undefined),
    mayBe: (type) => {
      const possible = kindsOf.get(type)
      if (!possible || own.some((kind) => possible.has(kind))) return true
      return looseTypes.has(type) && !isSure
    },
  }
}
