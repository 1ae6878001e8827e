import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { HasherAnswer, HasherMessage } from './digest.ts'

/** One buffer serves all files: each message is worked off before the next. */
const buffer = Buffer.allocUnsafe(1024 * 1024)
const files = new Map<number, { hash: Hash; read: number }>()

const port = parentPort
if (!port) throw new TypeError('the hasher runs as a thread')

port.on('message', (message: HasherMessage) => {
  if (message.kind === 'close') return port.close()
  try {
    handle(message)
  } catch (error) {
    files.delete(message.id)
    // An advance is answered by nobody's waiting; the finish that follows reports the short file.
    if (message.kind !== 'advance') answer({ id: message.id, error: String(error) })
  }
})

function handle(message: Exclude<HasherMessage, { kind: 'close' }>): void {
  if (message.kind === 'drop') {
    files.delete(message.id)
    answer({ id: message.id, digest: '' })
    return
  }
  const file = files.get(message.id) ?? { hash: createHash('sha256'), read: 0 }
  files.set(message.id, file)
  while (file.read < message.upTo) {
    const length = Math.min(buffer.length, message.upTo - file.read)
    const got = readSync(message.fd, buffer, 0, length, file.read)
    if (got === 0) throw new Error(`the file ends at ${file.read} of ${message.upTo} bytes`)
    file.hash.update(got === buffer.length ? buffer : buffer.subarray(0, got))
    file.read += got
  }
  if (message.kind === 'finish') {
    files.delete(message.id)
    answer({ id: message.id, digest: file.hash.digest('hex') })
  }
}

function answer(message: HasherAnswer): void {
  port?.postMessage(message)
}
