import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { isFailure } from '../core/failure.ts'
import type { BlobStore, Digest } from '../core/ports.ts'

/** A blob that cannot be read as what it should be: a fault of where it is read from, not of where it is written to. */
export class SourceFault extends Error {
  override name = 'SourceFault'
  readonly isMissing: boolean

  constructor(message: string, isMissing = false) {
    super(message)
    this.isMissing = isMissing
  }
}

type Source = Pick<BlobStore, 'open'>

/** A blob's bytes, which must be so many. @throws SourceFault, also while it is read. */
export async function sourceOf(source: Source, digest: Digest, size: number): Promise<Readable> {
  const stream = await opened(source, digest)
  return Readable.from(exactly(size, stream))
}

/** @throws SourceFault */
export async function hashOf(source: Source, digest: Digest): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const chunk of marked(await opened(source, digest))) hash.update(chunk)
  return hash.digest('hex')
}

async function opened(source: Source, digest: Digest): Promise<Readable> {
  return source.open(digest).catch((error) => {
    if (isFailure(error) && error.code === 'not_found') throw new SourceFault('is missing', true)
    throw unreadable(error)
  })
}

async function* marked(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch (error) {
    throw unreadable(error)
  }
}

async function* exactly(size: number, stream: Readable): AsyncGenerator<Buffer> {
  let received = 0
  for await (const chunk of marked(stream)) {
    received += chunk.length
    if (received > size) break
    yield chunk
  }
  if (received !== size)
    throw new SourceFault(`has ${received > size ? 'more' : received} bytes, and should have ${size}`)
}

function unreadable(error: unknown): SourceFault {
  return new SourceFault(`cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
}
