import { inspect } from 'node:util'
import { type Kind, scalar } from './kind.ts'

/** What stands wherever a secret would otherwise be seen. */
export const mask = '********'

/** A text that shows itself only when asked in so many words: printing, logging and JSON get the mask. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [inspect.custom](): string {
    return mask
  }
}

/** A password or key. The mask itself is refused, so that a printed configuration is not loaded with it as the password. */
export function secret(): Kind<Secret> {
  const kind = scalar({
    name: 'secret',
    form: 'a secret text, not empty and not masked',
    sentence: 'A password or key; it is never shown, neither by `larder config print` nor in messages.',
    read: (value) => (value === '' || value === mask ? undefined : new Secret(value)),
    write: String,
  })
  return { ...kind, secret: true }
}
