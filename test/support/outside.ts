import { request as ask, type IncomingMessage } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import type { TestApp } from './app.ts'

/** An answer, and the address that it was asked for under. */
export interface Seen {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

/**
 * Somebody who knows the server by its outer addresses alone, as people behind a proxy do, with a jar for cookies that keeps
 * to their paths. Nothing is followed.
 */
export class Outside {
  /** The address that everything is below, without a final slash. */
  readonly base: string
  readonly #port: number
  readonly #arriving: (path: string) => string
  #cookies: readonly Cookie[] = []

  /** @param arriving the path that reaches the server, from the one that was asked for. */
  constructor({ port }: Pick<TestApp, 'port'>, base: string, arriving = (path: string): string => path) {
    this.base = base
    this.#port = port
    this.#arriving = arriving
  }

  /** @param address a whole one, or a path below the base. */
  async send(address: string, init: RequestInit = {}): Promise<Seen> {
    const url = new URL(address.startsWith('/') ? this.base + address : address)
    const request = new Request(url, init)
    const body = Buffer.from(await request.arrayBuffer())
    const cookies = this.#cookies.filter(({ path }) => isBelow(url.pathname, path))
    if (cookies.length > 0 && !request.headers.has('cookie'))
      request.headers.set('cookie', cookies.map(({ name, value }) => `${name}=${value}`).join('; '))
    const response = await this.#exchange(url, request, body)
    const headers = new Headers()
    for (const [name, values] of Object.entries(response.headersDistinct))
      for (const value of values ?? []) headers.append(name, value)
    this.#keep(headers.getSetCookie())
    return { url, status: response.statusCode ?? 0, headers, text: await textOf(response) }
  }

  /** Sends a form as its page's browser does. */
  post(address: string, body: FormData | Record<string, string> = {}): Promise<Seen> {
    const sent = body instanceof FormData ? body : new URLSearchParams(body)
    const headers = { Origin: new URL(this.base).origin, Accept: 'text/html' }
    return this.send(address, { method: 'POST', body: sent, headers })
  }

  #exchange(url: URL, { method, headers }: Request, body: Buffer): Promise<IncomingMessage> {
    const path = this.#arriving(url.pathname) + url.search
    const length = body.length > 0 ? { 'content-length': body.length } : {}
    const sent = { ...Object.fromEntries(headers), ...length, host: url.host, connection: 'close' }
    return new Promise((resolve, reject) => {
      ask({ host: '127.0.0.1', port: this.#port, path, method, headers: sent })
        .once('response', resolve)
        .once('error', reject)
        .end(body)
    })
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /; Path=([^;]+)/.exec(line)?.[1] ?? '/'
      const others = this.#cookies.filter((one) => one.name !== name || one.path !== path)
      this.#cookies = value === '' ? others : [...others, { name, value, path }]
    }
  }
}

/** RFC 6265 section 5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}
