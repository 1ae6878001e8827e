import type { IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'

/**
 * Counts the parts of a form as they are sent, beside those that the parser tells of. It passes in silence over a part
 * whose headers it cannot read; an upload must not be answered as if that file had come.
 */
export class PartCounter {
  readonly #delimiter: Buffer | undefined
  #tail: Buffer = Buffer.from('\r\n')
  #sent = 0
  #told = 0

  constructor(request: IncomingMessage, parser: Writable) {
    const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(request.headers['content-type'] ?? '') ?? []
    const boundary = quoted ?? plain
    this.#delimiter = boundary === undefined ? undefined : Buffer.from(`\r\n--${boundary}`, 'latin1')
    request.on('data', (chunk: Buffer) => this.#look(chunk))
    parser.on('file', () => this.#told++)
    parser.on('field', () => this.#told++)
  }

  /** How many parts were sent that nobody was told of. The last delimiter ends the form and begins no part. */
  get passedOver(): number {
    return this.#delimiter === undefined ? 0 : this.#sent - 1 - this.#told
  }

  #look(chunk: Buffer): void {
    const delimiter = this.#delimiter
    if (!delimiter) return
    // A delimiter may begin in one chunk and end in the next.
    const keep = delimiter.length - 1
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, keep)])
    for (let at = seam.indexOf(delimiter); at >= 0; at = seam.indexOf(delimiter, at + 1)) this.#sent++
    for (let at = chunk.indexOf(delimiter); at >= 0; at = chunk.indexOf(delimiter, at + 1)) this.#sent++
    this.#tail = chunk.length >= keep ? chunk.subarray(-keep) : Buffer.concat([this.#tail, chunk]).subarray(-keep)
  }
}
