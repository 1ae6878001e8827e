import { createHash } from 'node:crypto'
import { splitExtension } from './names.ts'
import { segmentLimitBytes } from './paths.ts'
import { byteLength, cutToBytes } from './text.ts'

/** What some system takes for a path, for a device, for nothing at all, or shows in another order than it stands. */
const unsafe = /[\p{Cc}<>:"/\\|?*\u202a-\u202e\u2066-\u2069]/gu
const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i

/** A name that every system can store. */
export function safeName(segment: string): string {
  const name = segment
    .toWellFormed()
    .replace(unsafe, '_')
    .replace(/[. ]+$/, '_')
  return device.test(name) ? `_${name}` : name
}

/**
 * Names of one folder: each is another, also where small and capital letters are the same. Of a name no more is kept than a number
 * of 48 bits: that two names share one is next to impossible, and would but give the second of them a number that it does not need.
 */
export class Names {
  readonly #taken = new Numbers()
  /** By the form in which names are compared, how many had it, of those that more than one had. */
  readonly #counts = new Map<string, number>()

  /** The segment as a name that is safe and was not given before. */
  take(segment: string): string {
    const name = safeName(segment)
    if (this.#taken.add(numberOf(name))) return name
    const key = folded(name)
    let count = (this.#counts.get(key) ?? 1) + 1
    while (!this.#taken.add(numberOf(numbered(name, count)))) count++
    this.#counts.set(key, count)
    return numbered(name, count)
  }
}

/** Whole numbers above zero, each kept in 8 bytes. */
class Numbers {
  #slots = new Float64Array(32)
  #count = 0

  /** False where it is there. */
  add(number: number): boolean {
    if (this.#count * 2 >= this.#slots.length) this.#grow()
    let at = number % this.#slots.length
    while (this.#slots[at] !== 0 && this.#slots[at] !== number) at = (at + 1) % this.#slots.length
    if (this.#slots[at] === number) return false
    this.#slots[at] = number
    this.#count++
    return true
  }

  #grow(): void {
    const kept = this.#slots.filter((number) => number !== 0)
    this.#slots = new Float64Array(this.#slots.length * 2)
    this.#count = 0
    for (const number of kept) this.add(number)
  }
}

/** 48 bits of a digest of the name, in the form in which names are compared. */
function numberOf(name: string): number {
  const digest = createHash('sha1').update(folded(name)).digest()
  return digest.readUInt32LE(0) * 2 ** 16 + digest.readUInt16LE(4) + 1
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase()

/** `photo (2).jpg`. */
function numbered(name: string, count: number): string {
  const { stem, extension } = splitExtension(name)
  const suffix = ` (${count})${byteLength(extension) <= 32 ? extension : ''}`
  const kept = byteLength(extension) <= 32 ? stem : name
  return cutToBytes(kept, segmentLimitBytes - byteLength(suffix)) + suffix
}
