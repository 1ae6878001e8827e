import { type Duplex, Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import type { ArchiveStart, Packed } from '../../core/archives.ts'
import { disposition } from '../content.ts'
import { bytes, type Call, type OpenCall, type Reply, type Route, route } from '../door.ts'

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
  return bytes(new Zip().of(core.archives.pack(start)), headers)
}

const modes = { file: 0o100644, folder: 0o040755 }

/** The library's file, with the list that it keeps of all entries for the directory at the end of the archive. */
type OpenZip = ZipFile & { entries: { readonly state: number }[]; readonly outputStream: Duplex }
/** The state of an entry that is sent. */
const sent = 3

/**
 * An archive as it is sent: nothing is compressed, and what is next is opened when the one before is on its way. Where anything
 * is wrong the stream breaks, so that no archive looks whole and is not.
 */
class Zip {
  readonly #zip = new ZipFile() as OpenZip
  /** Entries that are sent, kept from the library until the end: it would look through all of them for each new one. */
  readonly #sent: { readonly state: number }[] = []
  /** The file on its way, and the one that waits for its turn. */
  #sources: readonly Readable[] = []
  /** Ends what is waited for. */
  #wake: () => void = () => {}

  of(packed: AsyncIterable<Packed>): Readable {
    const output = this.#zip.outputStream
    this.#zip.on('error', (error) => output.destroy(error))
    output.once('close', () => {
      for (const source of this.#sources) source.destroy()
      this.#wake()
    })
    output.on('drain', () => this.#wake())
    this.#write(packed).catch((error) => output.destroy(error))
    return output
  }

  async #write(packed: AsyncIterable<Packed>): Promise<void> {
    const output = this.#zip.outputStream
    for await (const one of packed) {
      if (one.kind === 'file') await this.#addFile(one)
      else this.#zip.addEmptyDirectory(one.name, { mtime: new Date(one.modifiedAt), mode: modes.folder })
      this.#putAside()
      while (output.writableNeedDrain && !output.destroyed) await this.#woken()
      if (output.destroyed) return
    }
    this.#zip.entries = this.#sent.concat(this.#zip.entries)
    this.#zip.end()
  }

  /** Resolves when it is this file's turn: the one before is sent then. */
  async #addFile({ name, modifiedAt, size, source }: Packed & { kind: 'file' }): Promise<void> {
    const output = this.#zip.outputStream
    if (output.destroyed) return void source.destroy()
    source.once('error', (error) => output.destroy(error))
    this.#sources = [...this.#sources, source]
    const options = { mtime: new Date(modifiedAt), mode: modes.file, size, compress: false }
    let isTurn = false
    this.#zip.addReadStreamLazy(name, options, (begin) => {
      isTurn = true
      begin(null, this.#last())
      this.#wake()
    })
    while (!isTurn && !output.destroyed) await this.#woken()
  }

  /** What is added last begins last. The library remembers who asks for it, and must not remember the stream with it. */
  #last(): Readable {
    this.#sources = this.#sources.slice(-1)
    return this.#sources[0] as Readable
  }

  #putAside(): void {
    const { entries } = this.#zip
    const waiting = entries.findIndex(({ state }) => state < sent)
    this.#sent.push(...entries.splice(0, waiting < 0 ? entries.length : waiting))
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
