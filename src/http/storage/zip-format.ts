/**
 * The parts of a zip (PKWARE's APPNOTE) whose entries are stored as they are: names in UTF-8, times as Unix ones beside those of
 * DOS, which are in UTC, and the ZIP64 forms where a size, an offset or a count is too large for the old ones. Written here because
 * the libraries for it (yazl, archiver) keep an object for each entry until the end, which they then write in one go: memory
 * would grow with the folder by some 650 bytes a file, and here it is 55 and the name.
 */

/** What is said of an entry. */
export interface Member {
  /** UTF-8; a folder's ends with a slash. */
  readonly name: Buffer
  readonly isFolder: boolean
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
  readonly size: number
  /** Of the content; of no meaning before a content that comes late. */
  readonly crc: number
  /** Whether the checksum, and with it the size, stands after the content, because it was not known before. */
  readonly isLate: boolean
}

const max16 = 0xffff
const max32 = 0xffffffff
const nameIsUtf8 = 1 << 11
const descriptorFollows = 1 << 3
const madeBy = (3 << 8) | 63
const modes = { file: 0o100644, folder: 0o040755 }
/** Bytes of the directory that are kept in one piece, and sent so. */
const pieceBytes = 64 * 1024

const version = (isLarge: boolean): number => (isLarge ? 45 : 20)

/** What stands before an entry's content. Where its checksum comes late, so does its size. */
export function localHeader({ name, modifiedAt, size, crc, isLate }: Member): Buffer {
  const isLarge = isLate && size >= max32
  const lateSize = isLarge ? max32 : 0
  const sizeHere = isLate ? lateSize : size
  const header = Buffer.alloc(30 + name.length + (isLarge ? 20 : 0))
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(version(isLarge), 4)
  header.writeUInt16LE(nameIsUtf8 | (isLate ? descriptorFollows : 0), 6)
  header.writeUInt32LE(dosTime(modifiedAt), 10)
  header.writeUInt32LE(isLate ? 0 : crc, 14)
  header.writeUInt32LE(sizeHere, 18)
  header.writeUInt32LE(sizeHere, 22)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(isLarge ? 20 : 0, 28)
  name.copy(header, 30)
  // Its sizes stay zero: that it is there says that the descriptor is of the large form.
  if (isLarge) writeExtra(header, 30 + name.length, 0x0001, 16)
  return header
}

/** What stands after an entry's content where its checksum was not known before. */
export function descriptor(size: number, crc: number): Buffer {
  const isLarge = size >= max32
  const bytes = Buffer.alloc(isLarge ? 24 : 16)
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(crc, 4)
  if (isLarge) {
    writeLarge(bytes, size, 8)
    writeLarge(bytes, size, 16)
  } else {
    bytes.writeUInt32LE(size, 8)
    bytes.writeUInt32LE(size, 12)
  }
  return bytes
}

/** The directory at the end of a zip, kept as the bytes it is sent as: 55 and its name's for most entries. */
export class Directory {
  readonly #pieces: Buffer[] = []
  #piece = Buffer.alloc(0)
  #used = 0
  #bytes = 0
  #count = 0

  /** @param offset where in the zip the entry begins. */
  add(member: Member, offset: number): void {
    const isLarge = member.size >= max32 || offset >= max32
    const length = 46 + member.name.length + 9 + (isLarge ? 28 : 0)
    const at = this.#room(length)
    writeRecord(this.#piece.subarray(at, at + length), member, offset, isLarge)
  }

  /** The directory and the zip's end. @param offset where in the zip the directory begins. */
  *finish(offset: number): Generator<Buffer> {
    for (const piece of this.#pieces) yield piece
    yield this.#piece.subarray(0, this.#used)
    yield endOf(this.#count, this.#bytes, offset)
  }

  /** Where in the piece so many bytes go. */
  #room(length: number): number {
    if (this.#used + length > this.#piece.length) {
      this.#pieces.push(this.#piece.subarray(0, this.#used))
      this.#piece = Buffer.alloc(pieceBytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += length
    this.#bytes += length
    this.#count++
    return at
  }
}

function writeRecord(record: Buffer, member: Member, offset: number, isLarge: boolean): void {
  const { name, isFolder, modifiedAt, size, crc, isLate } = member
  const sizeHere = isLarge ? max32 : size
  record.writeUInt32LE(0x02014b50, 0)
  record.writeUInt16LE(madeBy, 4)
  record.writeUInt16LE(version(isLarge), 6)
  record.writeUInt16LE(nameIsUtf8 | (isLate ? descriptorFollows : 0), 8)
  record.writeUInt32LE(dosTime(modifiedAt), 12)
  record.writeUInt32LE(crc, 16)
  record.writeUInt32LE(sizeHere, 20)
  record.writeUInt32LE(sizeHere, 24)
  record.writeUInt16LE(name.length, 28)
  record.writeUInt16LE(isLarge ? 37 : 9, 30)
  // Attributes of Unix, and the bit by which DOS knows a folder.
  record.writeUInt16LE(isFolder ? 0x10 : 0, 38)
  record.writeUInt16LE(isFolder ? modes.folder : modes.file, 40)
  record.writeUInt32LE(isLarge ? max32 : offset, 42)
  name.copy(record, 46)
  const extra = 46 + name.length
  writeExtra(record, extra, 0x5455, 5)
  record.writeUInt8(1, extra + 4)
  record.writeInt32LE(Math.min(Math.floor(modifiedAt / 1_000), 0x7fffffff), extra + 5)
  if (!isLarge) return
  writeExtra(record, extra + 9, 0x0001, 24)
  writeLarge(record, size, extra + 13)
  writeLarge(record, size, extra + 21)
  writeLarge(record, offset, extra + 29)
}

function endOf(count: number, bytes: number, offset: number): Buffer {
  const isLarge = count >= max16 || bytes >= max32 || offset >= max32
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, max16), 8)
  end.writeUInt16LE(Math.min(count, max16), 10)
  end.writeUInt32LE(Math.min(bytes, max32), 12)
  end.writeUInt32LE(Math.min(offset, max32), 16)
  return isLarge ? Buffer.concat([largeEndOf(count, bytes, offset), end]) : end
}

/** The end as ZIP64 has it, and after it where it stands. */
function largeEndOf(count: number, bytes: number, offset: number): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x06064b50, 0)
  writeLarge(end, 44, 4)
  end.writeUInt16LE(madeBy, 12)
  end.writeUInt16LE(version(true), 14)
  writeLarge(end, count, 24)
  writeLarge(end, count, 32)
  writeLarge(end, bytes, 40)
  writeLarge(end, offset, 48)
  end.writeUInt32LE(0x07064b50, 56)
  writeLarge(end, offset + bytes, 64)
  end.writeUInt32LE(1, 72)
  return end
}

const writeLarge = (bytes: Buffer, number: number, at: number) => bytes.writeBigUInt64LE(BigInt(number), at)

function writeExtra(bytes: Buffer, at: number, tag: number, length: number): void {
  bytes.writeUInt16LE(tag, at)
  bytes.writeUInt16LE(length, at + 2)
}

/** Date and time as DOS has them, in steps of two seconds from 1980 on: the date above, the time below. */
function dosTime(at: number): number {
  const time = new Date(Math.min(Math.max(at, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31, 23, 59, 58)))
  const date = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate()
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1)
  return ((date << 16) | clock) >>> 0
}
