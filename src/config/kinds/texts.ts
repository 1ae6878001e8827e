import { BlockList, isIP } from 'node:net'
import { resolve } from 'node:path'
import { type Kind, scalar } from './kind.ts'

/** Any text that is not empty. */
export function text(example: string): Kind<string> {
  return scalar({
    name: 'text',
    form: 'a text',
    example,
    sentence: 'Any text that is not empty.',
    read: (value) => value || undefined,
    write: String,
  })
}

/** One of a few words. */
export function choice<const W extends string>(words: readonly W[]): Kind<W> {
  return scalar({
    name: 'choice',
    form: `one of ${words.join(', ')}`,
    example: words[0] ?? '',
    sentence: 'One of the words named, in lower case.',
    read: (value) => words.find((word) => word === value),
    write: String,
  })
}

/** A folder or file; relative ones are made absolute by whoever knows where the value stood. */
export function path(example: string): Kind<string> {
  const kind = scalar({
    name: 'path',
    form: 'a path ("~" is not expanded)',
    example,
    sentence:
      'A file or folder. A relative path counts from the folder of the file it stands in, elsewhere from the working folder; `~` is not expanded.',
    read: (value) => (value === '' || /^~|\0/.test(value) ? undefined : value),
    write: String,
  })
  return { ...kind, within: (value, folder) => resolve(folder, value) }
}

const hostName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i

/** What a server may listen on: an IP address or a host name, without a port. */
export function address(example: string): Kind<string> {
  return scalar({
    name: 'address',
    form: 'an IP address or host name without a port',
    example,
    sentence: 'An IPv4 or IPv6 address (without brackets) or a host name; the port is a key of its own.',
    read: (value) => (isIP(value) !== 0 || hostName.test(value) ? value : undefined),
    write: String,
  })
}

const mailAddress = '[^\\s\\p{Cc}<>()[\\],;:\\\\"@]+@[^\\s\\p{Cc}<>()[\\],;:\\\\"@]+'
const mailbox = new RegExp(
  `^(?:${mailAddress}|(?:[^\\p{Cc}<>()[\\],;:\\\\"@]+|"[^\\p{Cc}\\\\"]+") ?<${mailAddress}>)$`,
  'u',
)

/** Who a letter is from (RFC 5322, 3.4): an address, or a name and the address. */
export function sender(example: string): Kind<string> {
  return scalar({
    name: 'sender',
    form: 'an e-mail address, or a name with the address in <> after it',
    example,
    sentence: 'An e-mail address, or a name with the address after it: `Larder <larder@example.org>`.',
    read: (value) => (mailbox.test(value) ? value : undefined),
    write: String,
  })
}

/** An absolute http or https URL without credentials, query or fragment; trailing slashes are dropped. */
export function url(example: string): Kind<string> {
  return scalar({
    name: 'URL',
    form: 'an http or https URL without query or credentials',
    example,
    sentence: 'An absolute `http` or `https` URL without query or credentials; a trailing slash is dropped.',
    read: readUrl,
    write: String,
  })
}

function readUrl(value: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\]+(\/[^?#\\]*)?$/i.test(value) || !URL.canParse(value)) return undefined
  const parsed = new URL(value)
  return parsed.origin + parsed.pathname.replace(/\/+$/, '')
}

/** Where a page comes from (RFC 6454): scheme, host and, where it is not the usual one, port. */
export function origin(example: string): Kind<string> {
  return scalar({
    name: 'origin',
    form: 'a web origin, without a path',
    example,
    sentence: 'A scheme, `http` or `https`, and a host, with a port where it is not the usual one; no path.',
    read: (value) =>
      /^https?:\/\/[^/?#@\\]+\/?$/i.test(value) && URL.canParse(value) ? new URL(value).origin : undefined,
    write: String,
  })
}

/** The path everything is served below: empty, or `/name` without a trailing slash. */
export function basePath(): Kind<string> {
  return scalar({
    name: 'URL path',
    form: 'a URL path of letters, digits and ._~-, or nothing',
    example: '/larder',
    sentence: 'Empty, or segments of letters, digits, `.`, `_`, `~` and `-`; slashes at the ends are put right.',
    read: (value) => {
      const segments = value.split('/').filter((segment) => segment !== '')
      const good = segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.\.?$/.test(segment))
      return good ? segments.map((segment) => `/${segment}`).join('') : undefined
    },
    write: String,
  })
}

/** An IP address, or a network in CIDR notation. */
export function network(): Kind<string> {
  return scalar({
    name: 'network',
    form: 'an IP address or network',
    example: '10.0.0.0/8',
    sentence:
      'An IPv4 or IPv6 address (`192.168.1.2`), or a network with its prefix length (`10.0.0.0/8`, `fd00::/8`).',
    read: (value) => (isNetwork(value) ? value : undefined),
    write: String,
  })
}

function isNetwork(value: string): boolean {
  const [, ip = '', , prefix] = /^([\da-f.:]+)(\/(\d{1,3}))?$/i.exec(value) ?? []
  const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4'
  try {
    const list = new BlockList()
    if (prefix === undefined) list.addAddress(ip, family)
    else list.addSubnet(ip, Number(prefix), family)
    return true
  } catch {
    return false
  }
}

const token = "[a-z0-9!#$&^_.+'`|~%-]+"
const contentTypePattern = new RegExp(`^(\\*|${token}/(\\*|${token}))$`)

/** `image/png`, the family `image/*`, or `*` for all; lower case, without parameters. */
export function contentType(): Kind<string> {
  return scalar({
    name: 'content type',
    form: 'a content type without parameters, a family or *',
    example: 'image/*',
    sentence:
      'A type such as `application/pdf`, a family such as `image/*`, or `*` for all; parameters are not compared.',
    read: (value) => contentTypePattern.exec(value.toLowerCase())?.[0],
    write: String,
  })
}
