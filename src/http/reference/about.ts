import type { z } from 'zod'
import type { Door } from '../door.ts'

/** What the reference of a door is made from: its routes, its codes, and shapes that go by a name. */
export interface Described {
  readonly door: Door
  readonly errorCodes: Readonly<Record<string, readonly [status: number, description: string]>>
  readonly failure: z.ZodType
  readonly named: Readonly<Record<string, z.ZodType>>
  /** How one signs in, in the words of the door. */
  readonly auth: Readonly<Record<'type' | 'header' | 'description' | 'x_api_key_note', string>>
}
