import * as fs from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../core/failure.ts'
import type { UploadPart } from '../core/model.ts'
import { isMissing } from './failures.ts'

const open = promisify(fs.open)
const close = promisify(fs.close)
const read = promisify(fs.read)

/** Big enough that the number of calls does not matter, small enough that memory does not. */
const chunkBytes = 1024 * 1024
const nameForm = /^[\w-]+$/

/**
 * The bytes of parts, one after the other, in chunks. A part has its own bytes alone: what a completion that was cut off has put behind
 * them is none of it. Rejects with `not_found`.
 */
export async function* contentOf(folder: string, parts: readonly UploadPart[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    const fd = await open(pathOf(folder, part.file), 'r').catch((error) => {
      throw isMissing(error) ? missingPart(part) : error
    })
    try {
      for (let at = 0; at < part.size; ) {
        const chunk = await readAt(fd, at, Math.min(chunkBytes, part.size - at))
        if (chunk.length === 0) throw missingPart(part)
        yield chunk
        at += chunk.length
      }
    } finally {
      await close(fd)
    }
  }
}

/** Fewer bytes where the file ends. */
export async function readAt(fd: number, position: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const { bytesRead, buffer } = await read(fd, Buffer.allocUnsafeSlow(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** @throws Failure `not_found`. */
export async function requireWhole(folder: string, part: UploadPart): Promise<void> {
  const size = await sizeOf(pathOf(folder, part.file))
  if (size === undefined || size < part.size) throw missingPart(part)
}

/** @throws TypeError for what is no name of a part's file, and must lead nowhere. */
export function pathOf(folder: string, file: string): string {
  if (!nameForm.test(file)) throw new TypeError("no name of a part's file")
  return join(folder, file)
}

/** Undefined where there is no such file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((error) => {
    if (isMissing(error)) return undefined
    throw error
  })
  return found?.size
}

/** None where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (isMissing(error)) return []
    throw error
  })
}

/** Says that a part's file is gone, by the file's name. */
export function missingPart(part: UploadPart): Failure<'not_found'> {
  return new Failure('not_found', { what: 'blob', id: part.file })
}
