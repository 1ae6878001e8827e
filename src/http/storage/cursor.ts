import { z } from 'zod'
import type { ListCursor } from '../../core/catalogue.ts'
import type { PathEntry } from '../../core/model.ts'
import { lastSegment } from '../../core/paths.ts'

const form = z.tuple([z.enum(['folder', 'file']), z.string()])

/** Where a list goes on after an entry, as one word that means nothing to its reader. */
export function cursorOf({ file, path }: Pick<PathEntry, 'file' | 'path'>): string {
  return Buffer.from(JSON.stringify([file ? 'file' : 'folder', lastSegment(path)])).toString('base64url')
}

/** A cursor in a query. */
export const cursor = z
  .string()
  .optional()
  .transform((sent, context): ListCursor | undefined => {
    if (sent === undefined) return undefined
    const parsed = form.safeParse(jsonOf(sent))
    if (parsed.success) return { kind: parsed.data[0], segment: parsed.data[1] }
    context.addIssue({ code: 'custom', message: 'is none that a list has given' })
    return z.NEVER
  })
  .meta({ type: 'string', description: 'As the page before gave it' })

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
}
