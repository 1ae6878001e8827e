import { inspect } from 'node:util'
import { type Kind, type Scalar, scalar } from './kind.ts'

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
  return hidden({
    name: 'secret',
    form: 'a secret text, not empty and not masked',
    sentence: 'A password or key; it is never shown, neither by `larder config print` nor in messages.',
    isGood: (value) => value !== '' && value !== mask,
  })
}

/** A URL of one of the schemes, which may hold a password and is a secret as a whole. */
export function secretUrl(schemes: readonly string[], example: string): Kind<Secret> {
  const starts = schemes.map((scheme) => `${scheme}://`)
  return hidden({
    name: 'secret URL',
    form: `a URL that begins with ${starts.join(' or ')}`,
    example,
    sentence:
      'A URL with the password that it needs, special characters in it percent-encoded; it is shown as little as a secret.',
    isGood: (value) => starts.some((start) => value.toLowerCase().startsWith(start)) && hasHost(value),
  })
}

function hasHost(url: string): boolean {
  return !/[\s\0-\x1f]/.test(url) && URL.canParse(url) && new URL(url).hostname !== ''
}

function hidden(rules: Omit<Scalar<Secret>, 'read' | 'write'> & { isGood(text: string): boolean }): Kind<Secret> {
  const { isGood, ...words } = rules
  const read = (text: string) => (isGood(text) ? new Secret(text) : undefined)
  return { ...scalar({ ...words, read, write: String }), secret: true }
}
