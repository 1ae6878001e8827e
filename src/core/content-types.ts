import { extension, extensions, lookup } from 'mime-types'
import { Failure } from './failure.ts'
import { type Bytes, checkedTypes, lookAt } from './signatures.ts'

export const unknownType = 'application/octet-stream'

/**
 * RFC 9110 section 8.3.1, in what may be stored: printable, of sane length. Parameters are kept and never compared. No comma
 * and no backslash, quoted or not: browsers read them in ways of their own, and find another type in what follows.
 */
const form =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+([ \t]*;([\x20-\x21\x23-\x2b\x2d-\x5b\x5d-\x7e\t]|"[\x20-\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]*")*)?$/
const limitCharacters = 255

/** The type without its parameters, in lower case. */
export function essence(type: string): string {
  const end = type.indexOf(';')
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase()
}

/** What a client says a file's type is; nothing usable is the unknown type. */
export function declaredType(sent: string | undefined): string {
  const type = sent?.trim() ?? ''
  return type.length <= limitCharacters && form.test(type) ? type : unknownType
}

/**
 * The type a file is kept under: the one that was said, once its first bytes were held against it. A file that came
 * without a type, or with the unknown one, is told from its bytes, then from its name's extension if its bytes allow.
 * @throws Failure `type_refused` where the bytes are of another type than is said.
 */
export async function settleType(declared: string, head: Uint8Array, name: string): Promise<string> {
  const type = essence(declared)
  if (type !== unknownType && !checkedTypes.has(type)) return declared
  const bytes = await lookAt(head)
  if (type === unknownType) return bytes.told ?? typeOfName(name, bytes)
  if (bytes.mayBe(type)) return declared
  const { found } = bytes
  throw new Failure('type_refused', { type, because: 'mismatch', ...(found !== undefined && { found }) })
}

function typeOfName(name: string, bytes: Bytes): string {
  const type = lookup(name)
  return type && bytes.mayBe(type) ? type : unknownType
}

/** A name for a file that came without one. */
export function nameFor(fileId: string, type: string): string {
  const usual = extension(type)
  return usual ? `${fileId}.${usual}` : fileId
}

/** Types or families (`image/*`), or `*` for all. */
export class AllowedTypes {
  readonly #all: boolean
  readonly #types: ReadonlySet<string>

  constructor(list: readonly string[]) {
    this.#all = list.includes('*') || list.includes('*/*')
    this.#types = new Set(list.map((type) => type.toLowerCase()))
  }

  allows(type: string): boolean {
    const plain = essence(type)
    return this.#all || this.#types.has(plain) || this.#types.has(`${plain.split('/')[0]}/*`)
  }

  /** Every type by its name: of a family, or of all, those that files have an extension for. */
  list(): string[] {
    const known = Object.keys(extensions).filter((type) => this.allows(type))
    const named = [...this.#types].filter((type) => !type.includes('*'))
    return [...new Set([...known, ...named])].sort()
  }

  /**
   * The type that a file is kept under: what its first bytes tell, if that is taken here, or else what was declared. One file in
   * some ten thousand of mere bytes looks like something by chance, and whoever takes unknown types takes it as that.
   * @throws Failure `type_refused`, also where the bytes speak against what was declared.
   */
  async settle(declared: string, head: Uint8Array, name: string): Promise<string> {
    const told = await settleType(declared, head, name)
    if (!this.allows(told) && this.allows(declared)) return declared
    this.require(told)
    return told
  }

  /** @throws Failure `type_refused`. */
  require(type: string): void {
    if (!this.allows(type)) throw new Failure('type_refused', { type: essence(type), because: 'not_allowed' })
  }
}
