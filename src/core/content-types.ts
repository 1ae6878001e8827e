import { fileTypeFromBuffer } from 'file-type'
import { lookup } from 'mime-types'
import { Failure } from './failure.ts'

export const unknownType = 'application/octet-stream'

/** RFC 9110 section 8.3.1, in what may be stored: printable, of sane length. Parameters are kept and never compared. */
const form =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+([ \t]*;([\x20-\x21\x23-\x2b\x2d-\x7e\t]|"[\x20-\x21\x23-\x7e]*")*)?$/
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

/** A file that came without a type, or with the unknown one: told from its bytes, then from its name's extension. */
export async function settleType(declared: string, head: Uint8Array, name: string): Promise<string> {
  if (essence(declared) !== unknownType) return declared
  const told = await fileTypeFromBuffer(head).catch(() => undefined)
  return told?.mime ?? (lookup(name) || unknownType)
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

  /** @throws Failure `type_refused`. */
  require(type: string): void {
    if (!this.allows(type)) throw new Failure('type_refused', { type: essence(type), because: 'not_allowed' })
  }
}
