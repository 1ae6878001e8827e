import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { invalid } from '../core/failure.ts'
import type { Upload } from '../core/upload.ts'
import { askForBody, ClientGone } from './body.ts'
import { tooSlow, watchRate } from './min-rate.ts'

/**
 * Reads a body that is one file into the upload. What is wrong is told at once, without waiting for the rest of the body.
 * @throws Failure, or ClientGone.
 */
export function readRaw(
  request: IncomingMessage,
  response: ServerResponse,
  upload: Upload,
  said: { name: string | undefined; type: string | undefined },
  options: BodyOptions,
): Promise<void> {
  return readBody(request, response, (body) => upload.receive(body, said), options)
}

interface BodyOptions {
  readonly minBytesPerSecond: number
}

/** Gives a body as it comes to whoever takes it in. @throws Failure, ClientGone, and what `take` fails with. */
export async function readBody<T>(
  request: IncomingMessage,
  response: ServerResponse,
  take: (body: Readable) => Promise<T>,
  { minBytesPerSecond }: BodyOptions,
): Promise<T> {
  requireWhole(request)
  // Gone while its upload waited to begin: nothing would ever tell of an end.
  if (request.destroyed && !request.readableEnded) throw new ClientGone()
  const body = new Body(request, response)
  const endWatch = watchRate(request, minBytesPerSecond, () => body.destroy(tooSlow(minBytesPerSecond)))
  try {
    return await take(body)
  } finally {
    endWatch()
    request.unpipe(body)
    body.destroy()
  }
}

/**
 * A part of a file must not take the place of the whole (RFC 9110 section 14.5: `curl -C - -T` sends one), nor its compressed
 * form. @throws Failure `invalid`.
 */
function requireWhole({ headers }: IncomingMessage): void {
  if (headers['content-range'] !== undefined)
    throw invalid('Content-Range', 'is not taken: send the whole file, or begin an upload in parts', 'value', 'header')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity')
    throw invalid('Content-Encoding', 'is not taken: send the file as it is to be stored', 'value', 'header')
}

/** A body as a stream of its own, which a refusal may end and leave the connection for the answer; asked for when it is first read. */
class Body extends PassThrough {
  #ask: (() => void) | undefined

  constructor(request: IncomingMessage, response: ServerResponse) {
    super()
    // What it ends with is told to whoever reads it. Until somebody does, it must not end the process.
    this.on('error', () => {})
    // From the beginning: who leaves while the file is opened will never be heard of again.
    request.once('close', () => {
      if (!request.complete) this.destroy(new ClientGone())
    })
    this.#ask = () => {
      askForBody(request, response)
      request.pipe(this)
    }
  }

  override _read(size: number): void {
    this.#ask?.()
    this.#ask = undefined
    super._read(size)
  }
}
