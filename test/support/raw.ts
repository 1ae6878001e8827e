import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. Names of headers are in lower case; a repeated one has its values joined. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * HTTP/1.1 by hand, over one connection: for what `fetch` would tidy up on its way (paths, names, lengths, half bodies).
 * `answer` waits for the next answer, and rejects where the connection ends before it is whole.
 */
export class RawConnection {
  readonly socket: Socket
  /** Resolves when the server has ended the connection, however it did. */
  readonly closed: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  #isOver = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    socket.on('error', () => {})
    const over = (): void => {
      this.#isOver = true
      this.#wake()
    }
    this.closed = new Promise((resolve) => {
      for (const event of ['end', 'close']) {
        socket.on(event, () => {
          over()
          resolve()
        })
      }
    })
  }

  /** @param url of the server; only its host and port count. */
  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawConnection(socket)))
    })
  }

  send(data: string | Uint8Array): void {
    if (this.socket.writable) this.socket.write(data)
  }

  /** Resolves when the data is out of this process, or cannot go any more. */
  sent(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (!this.socket.writable) return resolve()
      this.socket.write(data, () => resolve())
    })
  }

  async answer(options: { toHead?: boolean } = {}): Promise<RawAnswer> {
    const head = await this.#until('\r\n\r\n')
    const [first = '', ...lines] = head.toString('latin1').split('\r\n')
    const status = Number(first.split(' ')[1])
    const headers: Record<string, string> = {}
    for (const line of lines.filter((line) => line !== '')) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    const hasBody = !options.toHead && status >= 200 && status !== 204 && status !== 304
    return { status, headers, body: hasBody ? await this.#body(headers) : Buffer.alloc(0) }
  }

  /** Goes away at once, as a client does whose cable is pulled: with a reset, where there is something to reset. */
  destroy(): void {
    this.socket.resetAndDestroy()
  }

  async #body(headers: Record<string, string>): Promise<Buffer> {
    if (headers['content-length'] !== undefined) return this.#take(Number(headers['content-length']))
    if (headers['transfer-encoding'] === 'chunked') {
      const chunks: Buffer[] = []
      for (;;) {
        const size = Number.parseInt((await this.#until('\r\n')).toString('latin1'), 16)
        const chunk = await this.#take(size + 2)
        if (size === 0) return Buffer.concat(chunks)
        chunks.push(chunk.subarray(0, size))
      }
    }
    while (!this.#isOver) await this.#more()
    return this.#take(this.#received.length)
  }

  async #until(mark: string): Promise<Buffer> {
    for (;;) {
      const at = this.#received.indexOf(mark)
      if (at >= 0) return this.#take(at + mark.length)
      await this.#moreOrFail()
    }
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#received.length < count) await this.#moreOrFail()
    const taken = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return taken
  }

  async #moreOrFail(): Promise<void> {
    if (this.#isOver) throw new Error(`the connection ended within an answer: ${this.#received.toString('latin1')}`)
    await this.#more()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** A request's first line and headers, as they go over the wire. */
export function requestHead(
  method: string,
  target: string,
  headers: Readonly<Record<string, string | number>> = {},
): string {
  const all = { Host: 'larder.test', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** One request over a connection of its own, sent exactly as it is given. */
export async function rawRequest(
  url: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string | number>> = {},
  body: string | Uint8Array = '',
): Promise<RawAnswer> {
  const connection = await RawConnection.open(url)
  try {
    const length = body.length === 0 ? {} : { 'Content-Length': Buffer.byteLength(body) }
    connection.send(requestHead(method, target, { Connection: 'close', ...length, ...headers }))
    if (body.length > 0) connection.send(body)
    return await connection.answer({ toHead: method === 'HEAD' })
  } finally {
    connection.socket.destroy()
  }
}
