import type { Seen } from './outside.ts'

/** An address in an answer. */
export interface Found {
  /** What it stood in: `Location`, `href`, `urls.0`. */
  readonly where: string
  /** Whole, as a browser makes it of what stood there. */
  readonly address: string
}

const schemes = /^https?:/

/** Every address in an answer that somebody may follow. */
export function linksOf({ url, headers, text }: Seen): Found[] {
  const type = headers.get('content-type') ?? ''
  const found = [
    ...inHeaders(headers),
    ...(type.startsWith('text/html') ? inMarkup(text) : []),
    ...(type.startsWith('application/json') && text !== '' ? inJson(JSON.parse(text), '') : []),
  ]
  return found
    .map(({ where, address }) => ({ where, address: new URL(address, url).href }))
    .filter(({ address }) => schemes.test(address))
}

/** Every address of an origin that stands anywhere in an answer, be it in a sentence. */
export function mentionsOf({ text }: Seen, origin: string): string[] {
  return [...text.matchAll(/https?:\/\/[^\s"'<>`\\]+/g)].map(([one]) => one).filter((one) => isOf(one, origin))
}

function isOf(address: string, origin: string): boolean {
  return address === origin || ['/', '?', '#'].some((next) => address.startsWith(origin + next))
}

/** The paths that cookies of an answer hold for. */
export function cookiePathsOf({ headers }: Seen): string[] {
  return headers.getSetCookie().map((line) => /; Path=([^;]*)/.exec(line)?.[1] ?? '')
}

function inHeaders(headers: Headers): Found[] {
  const location = headers.get('location')
  const links = [...(headers.get('link') ?? '').matchAll(/<([^>]*)>/g)].map(([, one = '']) => one)
  return [
    ...(location === null ? [] : [{ where: 'Location', address: location }]),
    ...links.map((address) => ({ where: 'Link', address })),
  ]
}

const attributes = /\s(href|src|srcset|action|formaction|poster|data-copy value)="([^"]*)"/g
const refreshes = /<meta[^>]+http-equiv="refresh"[^>]+url=([^"]*)"/gi

function inMarkup(text: string): Found[] {
  const found = [...text.matchAll(attributes)].map(([, where = '', address = '']) => ({ where, address }))
  const refreshed = [...text.matchAll(refreshes)].map(([, address = '']) => ({ where: 'refresh', address }))
  return [...found, ...refreshed]
    .map(({ where, address }) => ({ where, address: plain(address) }))
    .filter(({ where, address }) => where !== 'data-copy value' || schemes.test(address))
}

const plain = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'")

/** A value that is an address, or that goes by the name of one. */
function inJson(value: unknown, where: string): Found[] {
  if (typeof value === 'string') {
    const isNamed = /(url|href|location|link)s?(\.\d+)?$/i.test(where) && value.startsWith('/')
    return isNamed || /^https?:\/\/\S+$/.test(value) ? [{ where, address: value }] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => inJson(one, where === '' ? key : `${where}.${key}`))
}
