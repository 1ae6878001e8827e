import assert from 'node:assert/strict'
import type { LetterPurpose } from '../../src/core/model.ts'
import type { TestApp } from './app.ts'
import { lastLetterTo, linkIn } from './outbox.ts'

type Headers = Record<string, string>

/** A browser without a screen: it keeps the session's cookie, says which page its forms are from, and follows nothing. */
export class Visitor {
  readonly url: string
  /** The session's token, as the cookie carries it. */
  session = ''

  constructor(app: Pick<TestApp, 'url'>) {
    this.url = app.url
  }

  get(path: string, headers: Headers = {}): Promise<Response> {
    return this.#send(path, { headers })
  }

  /** Sends a form: of fields, or with files. */
  post(path: string, body: FormData | Record<string, string> = {}, headers: Headers = {}): Promise<Response> {
    const origin = { Origin: new URL(this.url).origin }
    const sent = body instanceof FormData ? body : new URLSearchParams(body)
    return this.#send(path, { method: 'POST', body: sent, headers: { ...origin, ...headers } })
  }

  async #send(path: string, init: RequestInit & { headers: Headers }): Promise<Response> {
    const cookie: Headers = this.session === '' ? {} : { Cookie: `theme=dark; larder_session=${this.session}` }
    const response = await fetch(this.url + path, {
      ...init,
      headers: { ...cookie, ...init.headers },
      redirect: 'manual',
    })
    const set = /^larder_session=([^;]*)/.exec(response.headers.getSetCookie()[0] ?? '')
    if (set) this.session = set[1] ?? ''
    return response
  }
}

/** Somebody who is signed in, to an account of their own. */
export async function signedIn(app: TestApp, email = 'ada@example.org'): Promise<Visitor> {
  await app.newAccount(email)
  const visitor = new Visitor(app)
  const response = await visitor.post('/app/sign-in', { email, password: 'correct horse' })
  assert.equal(response.headers.get('location'), `${new URL(app.url).pathname.replace(/\/$/, '')}/app/`)
  return visitor
}

/** A form of files, as a browser sends it. */
export function formOf(
  files: readonly { name: string; bytes: Uint8Array | string; type?: string }[],
  fields: Headers = {},
) {
  const form = new FormData()
  for (const { name, bytes, type } of files) {
    form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>], { type: type ?? 'text/plain' }), name)
  }
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  return form
}

/** What stands on a page, its markup taken away. */
export function textOf(markup: string): string {
  return markup
    .replace(/<head>.*?<\/head>|<script>.*?<\/script>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim()
}

/** A page as its reader sees it, which must have come with this status. */
export async function pageText(response: Response, status = 200): Promise<string> {
  const markup = await response.text()
  assert.equal(response.status, status, textOf(markup))
  assert.match(response.headers.get('content-type') ?? '', /^text\/html; charset=utf-8/)
  return textOf(markup)
}

/** Waits until something is so, which must be soon. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, `not within ten seconds: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Where the latest letter to somebody leads, which must be of this purpose: below the server's address, and the secret in it. */
export async function linkTo(app: TestApp, email: string, purpose: LetterPurpose): Promise<Link> {
  const { pathname, search, searchParams } = linkIn(await lastLetterTo(app, email, purpose))
  return { path: pathname + search, token: searchParams.get('token') ?? '' }
}

interface Link {
  readonly path: string
  readonly token: string
}
