import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { evaluate, rangeApplies, type Validators } from './conditional.ts'
import { type ByteRange, parseRange } from './range.ts'

/** A representation: what it is known by, how it is described, and how its bytes are had. */
export interface Content extends Validators {
  readonly size: number
  /** Headers that describe it, beside those that delivery sets itself: flat, name after value, as `writeHead` takes them. */
  readonly headers: readonly string[]
  /** Those of them that a 304 carries too (RFC 9110 section 15.4.5). */
  readonly cacheHeaders: readonly string[]
  /** SHA-256 of all of it, as hex: told to whoever wants it (RFC 9530). */
  readonly digest: string
  readonly bytes?: Buffer | undefined
  /** A stream of a part of the bytes. Asked for only where `bytes` are not at hand. */
  open(range: ByteRange): Promise<Readable>
}

/**
 * Answers GET or HEAD for a representation by RFC 9110: preconditions, range, body. Resolves to the bytes of body sent.
 * Where bytes are missing once the answer has begun, the connection is broken too, so that nobody takes a part for the
 * whole. Headers come from `context` (of the request) and from the content; `beforeBody` is asked where there will be a body,
 * before anything is answered, and may throw.
 */
export async function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  context: readonly string[],
  beforeBody?: () => Promise<void>,
): Promise<number> {
  const verdict = evaluate(request.headers, content)
  if (verdict === 'not modified')
    return answerEmpty(response, 304, [...context, ...validatorHeaders(content), ...content.cacheHeaders])
  if (verdict === 'precondition failed')
    return answerEmpty(response, 412, [...context, ...notKept, 'Content-Length', '0'])
  const range = wantedRange(request, content)
  if (range === 'unsatisfiable') {
    return answerEmpty(response, 416, [
      ...context,
      'Content-Range',
      `bytes */${content.size}`,
      ...notKept,
      'Content-Length',
      '0',
    ])
  }
  return send(request, response, content, context, range, beforeBody)
}

function validatorHeaders(content: Content): string[] {
  return ['ETag', content.etag, 'Last-Modified', httpDate(content.lastModifiedMs)]
}

/** `Range` means something for GET alone (RFC 9110 section 14.2). */
function wantedRange(request: IncomingMessage, content: Content) {
  const { range, 'if-range': ifRange } = request.headers
  if (range === undefined || request.method !== 'GET') return undefined
  return rangeApplies(headerText(ifRange), content) ? parseRange(range, content.size) : undefined
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function answerEmpty(response: ServerResponse, status: number, headers: string[]): number {
  response.writeHead(status, headers)
  response.end()
  return 0
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  context: readonly string[],
  range: ByteRange | undefined,
  beforeBody: (() => Promise<void>) | undefined,
): Promise<number> {
  const { start, end } = range ?? { start: 0, end: content.size - 1 }
  const length = end - start + 1
  const headers = [
    ...context,
    ...validatorHeaders(content),
    'Accept-Ranges',
    'bytes',
    'Content-Length',
    String(length),
    ...content.cacheHeaders,
    ...content.headers,
  ]
  if (wantsDigest(request.headers['want-repr-digest'])) headers.push('Repr-Digest', reprDigest(content.digest))
  if (range) headers.push('Content-Range', `bytes ${start}-${end}/${content.size}`)
  const status = range ? 206 : 200
  if (request.method === 'HEAD' || length === 0) return answerEmpty(response, status, headers)
  if (beforeBody) await beforeBody()
  if (content.bytes) {
    response.writeHead(status, headers)
    response.end(range ? content.bytes.subarray(start, end + 1) : content.bytes)
    return length
  }
  const source = await content.open({ start, end })
  response.writeHead(status, headers)
  return pump(source, response, length)
}

/** Sends exactly `length` bytes, or breaks the connection: a file cut short must not look like a whole one. */
function pump(source: Readable, response: ServerResponse, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let sent = 0
    const stop = (): void => {
      source.destroy()
      if (!response.writableFinished) response.destroy()
      resolve(sent)
    }
    // Rejected before the connection is broken: what the log says of the request is written when it closes.
    const broken = (error: Error): void => {
      reject(error)
      stop()
    }
    // Gone while the file was opened: nobody will tell of it again, and the file would stay open for ever.
    if (response.destroyed) return stop()
    source.on('data', (chunk: Buffer) => {
      sent += chunk.length
      if (!response.write(chunk)) source.pause()
    })
    response.on('drain', () => source.resume())
    source.on('end', () =>
      sent === length ? response.end() : broken(new Error(`only ${sent} of ${length} bytes are there`)),
    )
    source.on('error', broken)
    response.on('close', stop)
  })
}

/** Whether `Want-Repr-Digest` (RFC 9530 section 4) names the one algorithm that is known here, with a preference above 0. */
function wantsDigest(header: string | string[] | undefined): boolean {
  if (header === undefined) return false
  return /(?:^|,)[ \t]*sha-256[ \t]*=[ \t]*([1-9]|10)[ \t]*(?:,|$)/i.test(String(header))
}

const reprDigest = (hex: string): string => `sha-256=:${Buffer.from(hex, 'hex').toString('base64')}:`

/** An answer that is about one request must not be kept for the next. */
const notKept = ['Cache-Control', 'no-store']

let lastDate = { ms: Number.NaN, text: '' }

/** An HTTP date. Hot files ask for the same one again and again. */
export function httpDate(ms: number): string {
  if (lastDate.ms !== ms) lastDate = { ms, text: new Date(ms).toUTCString() }
  return lastDate.text
}
