import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import multer, { MulterError } from 'multer'
import { Failure, invalid } from '../core/failure.ts'
import type { Upload } from '../core/upload.ts'
import { askForBody, ClientGone } from './body.ts'
import { tooSlow, watchRate } from './min-rate.ts'
import { PartCounter } from './parts.ts'

/** The field that files come in. */
const fileField = 'file'

/** Bounds on everything a form is made of, so that none of it can be used to hold memory. */
const limits = { fieldNameSize: 128, fieldSize: 64 * 1024, fields: 64, files: 1_000, parts: 1_064, headerPairs: 64 }

/** The text fields of a form; its files went into the upload. A repeated field's last value counts. */
export type Fields = ReadonlyMap<string, string>

interface FormOptions {
  readonly minBytesPerSecond: number
}

/**
 * Reads a form (multipart/form-data) to its end: files go into the upload as they come, nothing is published. Rejects at
 * the first thing that is wrong, without waiting for the rest of the body; when it rejects, no file is being received any
 * more. @throws Failure, or ClientGone.
 */
export async function readForm(
  request: IncomingMessage,
  response: ServerResponse,
  upload: Upload,
  options: FormOptions,
): Promise<Fields> {
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')) {
    throw invalid([], `send a form (multipart/form-data) with the file in the field "${fileField}"`, 'form')
  }
  const engine = new Staging(upload)
  askForBody(request, response)
  const endWatch = watchRate(request, options.minBytesPerSecond, () => engine.fail(tooSlow(options.minBytesPerSecond)))
  try {
    return await Promise.race([runMulter(request, response, engine), engine.failure, gone(request)])
  } catch (error) {
    request.unpipe()
    engine.fail(error)
    throw error
  } finally {
    endWatch()
    await engine.settled()
  }
}

function gone(request: IncomingMessage): Promise<never> {
  return new Promise((_, reject) => {
    // Gone while its upload waited to begin: what it sent went with it, and nothing will ever tell of an end.
    if (request.destroyed && !request.readableEnded) reject(new ClientGone())
    request.once('close', () => {
      if (!request.complete) reject(new ClientGone())
    })
  })
}

/**
 * multer's storage engine that stages into the blob store: no second copy, no whole file in memory. multer reports an
 * engine's error only once it has read the body to its end, and cleans up after engines only what has a path; so the engine
 * tells of its failure itself, and what it staged belongs to the upload.
 */
class Staging implements multer.StorageEngine {
  readonly #upload: Upload
  readonly #receiving = new Map<Promise<void>, NodeJS.ReadableStream>()
  readonly failure: Promise<never>
  #reject: (error: unknown) => void = () => {}
  #error: unknown

  constructor(upload: Upload) {
    this.#upload = upload
    this.failure = new Promise((_, reject) => {
      this.#reject = reject
    })
    this.failure.catch(() => {})
  }

  /** Ends what is being received. */
  fail(error: unknown): void {
    this.#error ??= error
    this.#reject(this.#error)
    for (const stream of this.#receiving.values())
      (stream as unknown as { destroy(error: unknown): void }).destroy(this.#error)
  }

  /** Resolves when no file is being received. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#receiving.keys())
  }

  _handleFile(_request: unknown, file: Express.Multer.File, callback: (error?: unknown, info?: object) => void): void {
    const receiving = this.#receive(file)
    this.#receiving.set(receiving, file.stream)
    receiving
      .then(
        () => callback(null, {}),
        (error) => {
          // What the parser's own stream broke with is the form's fault; all else is the upload's, and said as it is.
          this.fail(error === file.stream.errored ? fromMulter(error) : error)
          callback(error)
        },
      )
      .finally(() => this.#receiving.delete(receiving))
  }

  _removeFile(_request: unknown, _file: unknown, callback: (error: Error | null) => void): void {
    callback(null)
  }

  async #receive(file: Express.Multer.File): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    if (file.fieldname !== fileField) throw invalid(file.fieldname, `files go into the field "${fileField}"`, 'form')
    await this.#upload.receive(file.stream, { name: file.originalname, type: file.mimetype })
  }
}

async function runMulter(request: IncomingMessage, response: ServerResponse, storage: Staging): Promise<Fields> {
  let parts: PartCounter | undefined
  const streamHandler = (_: unknown, parser: Writable): void => {
    parts = new PartCounter(request, parser)
    tellAtOnce(parser, (error) => storage.fail(error))
    request.pipe(parser)
  }
  // The bytes of a name are UTF-8 (contract 0.2), and what of a path it carries is cut by the core, not by the parser.
  const options = { storage, limits, defParamCharset: 'utf8', preservePath: true, streamHandler }
  const read = multer(options as multer.Options).any()
  await new Promise<void>((resolve, reject) => {
    read(request as Parameters<typeof read>[0], response as Parameters<typeof read>[1], (error: unknown) => {
      // A file that is refused ends its stream, and multer may tell of that before the engine can tell why.
      if (error) void storage.settled().then(() => reject(fromMulter(error)))
      else resolve()
    })
  })
  if (parts && parts.passedOver > 0)
    throw invalid([], `${parts.passedOver} part of the form has headers that cannot be read`, 'form')
  // Not in the callback above: what is thrown there is thrown into the parser's stream, and ends the process.
  return fieldsOf((request as IncomingMessage & { body?: Record<string, unknown> }).body ?? {})
}

/** multer tells of its own refusals, too, only once the body is at its end. The parser tells of them when it sees them. */
function tellAtOnce(parser: Writable, tell: (error: unknown) => void): void {
  const tooMany = (what: 'files' | 'fields' | 'parts') => () =>
    tell(invalid([], `a form has at most ${limits[what]} ${what}`, 'form'))
  parser.once('filesLimit', tooMany('files'))
  parser.once('fieldsLimit', tooMany('fields'))
  parser.once('partsLimit', tooMany('parts'))
  parser.once('error', (error) => tell(fromMulter(error)))
  parser.on('field', (name: string, _value: string, { valueTruncated }: { valueTruncated: boolean }) => {
    if (valueTruncated) tell(invalid(name || 'body', `a field has at most ${limits.fieldSize} bytes`, 'form'))
  })
}

function fieldsOf(body: Record<string, unknown>): Fields {
  const fields = new Map<string, string>()
  for (const [name, value] of Object.entries(body)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value
    if (typeof last !== 'string') throw invalid(name, 'a field is plain text', 'form')
    if (name === fileField) throw invalid(name, 'a file comes with a file name', 'form')
    fields.set(name, last)
  }
  return fields
}

function fromMulter(error: unknown): unknown {
  if (error instanceof MulterError) {
    return invalid(error.field || 'body', `the form is refused: ${error.message} (${error.code})`, 'form')
  }
  if (error instanceof Failure || error instanceof ClientGone) return error
  // The parser's own errors (a boundary missing, an end too early) have no code; they are about the body.
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined ? invalid([], `the form cannot be read: ${message}`, 'form') : error
}
