import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { ArchiveStart, Packed } from '../../core/archives.ts'
import { disposition } from '../content.ts'
import { bytes, type Call, type OpenCall, type Reply, type Route, route } from '../door.ts'
import { Directory, descriptor, localHeader, type Member } from './zip-format.ts'

const about = {
  summary: 'A folder with all below it as one zip, made while it is sent; without a path, all that there is.',
  need: 'files:read',
  gives: 'application/zip',
} as const

/** Folders as archives. */
export const zips: readonly Route[] = [
  route('get', '/zip/', about, (call) => zipOfFolder(call, '')),
  route('get', '/zip/*path', { ...about, example: { params: { path: 'docs/' } } }, (call) =>
    zipOfFolder(call, call.params.path),
  ),
]

async function zipOfFolder(call: Pick<Call, 'core' | 'caller' | 'request'>, path: string): Promise<Reply> {
  const { name, start } = await call.core.archives.ofCaller(call.caller, path)
  return zipReply(call, name, start)
}

/** The answer with an archive. @param name of the folder; empty for a root. */
export function zipReply(
  { core, request }: Pick<OpenCall, 'core' | 'request'>,
  name: string,
  start: ArchiveStart,
): Reply {
  const headers = {
    'Content-Type': 'application/zip',
    'Content-Disposition': disposition('attachment', `${name || 'larder'}.zip`),
  }
  // For HEAD nothing is opened.
  if (request.method === 'HEAD') return bytes(Readable.from([]), headers)
  return bytes(Readable.from(gathered(zipOf(core.archives.pack(start))), { objectMode: false }), headers)
}

/** Parts smaller than this are sent together. */
const pieceBytes = 64 * 1024

/**
 * An archive as it is sent: nothing is compressed, and what is next is taken when the one before is on its way. Where anything is
 * wrong it breaks, so that no archive looks whole and is not. Of each entry no more is kept than its place in the directory.
 */
async function* zipOf(packed: AsyncIterable<Packed>): AsyncGenerator<Buffer> {
  const directory = new Directory()
  let offset = 0
  for await (const one of packed) {
    const bytes = bytesOf(one)
    const member = memberOf(one, bytes && crc32(bytes))
    const header = localHeader(member)
    const begins = offset
    offset += header.length + member.size
    if (bytes) {
      yield header
      yield bytes
      directory.add(member, begins)
    } else {
      const crc = yield* streamed(header, (one as { content: Readable }).content)
      const end = descriptor(member.size, crc)
      offset += end.length
      yield end
      directory.add({ ...member, crc, isLate: true }, begins)
    }
  }
  yield* directory.finish(offset)
}

const none = Buffer.alloc(0)

/** All of what is small. */
function bytesOf(one: Packed): Buffer | undefined {
  if (one.kind === 'folder') return none
  return Buffer.isBuffer(one.content) ? one.content : undefined
}

function memberOf(one: Packed, crc: number | undefined): Member {
  const { kind, modifiedAt } = one
  const size = one.kind === 'file' ? one.size : 0
  return {
    name: Buffer.from(one.name),
    isFolder: kind === 'folder',
    modifiedAt,
    size,
    crc: crc ?? 0,
    isLate: crc === undefined,
  }
}

/** An entry's content with its header; its checksum at the end. */
async function* streamed(header: Buffer, content: Readable): AsyncGenerator<Buffer, number> {
  let crc = 0
  try {
    yield header
    for await (const chunk of content as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc)
      yield chunk
    }
    return crc
  } finally {
    content.destroy()
  }
}

/** The same bytes in pieces that are worth a write each; the first at once, so that whoever waits knows that it has begun. */
async function* gathered(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let bytes = 0
  let enough = 0
  for await (const part of parts) {
    waiting.push(part)
    bytes += part.length
    if (bytes < enough) continue
    yield waiting.length === 1 ? part : Buffer.concat(waiting)
    waiting = []
    bytes = 0
    enough = pieceBytes
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
