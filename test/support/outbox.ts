import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import type { TestApp } from './app.ts'
import { until } from './state.ts'

/** A letter as its reader has it. */
export interface ArrivedLetter {
  readonly to: string
  /** Why it was written, by its file's name. */
  readonly purpose: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The message as it lies there, byte for byte. */
  readonly raw: string
}

type Post = Pick<TestApp, 'folder' | 'catalogue'>

/** All letters so far to an address, the oldest first. Waits until none is on its way any more. */
export async function lettersTo(app: Post, address: string): Promise<ArrivedLetter[]> {
  await until('the letters to be written', async () => {
    const mails = await app.catalogue.read.mails(1_000)
    return mails.every(({ state }) => state !== 'waiting')
  })
  const outbox = join(app.folder, 'outbox')
  // No letter was ever written: there is no outbox then.
  const names = await readdir(outbox).catch(() => [])
  const letters = await Promise.all(names.sort().map((name) => letterIn(outbox, name)))
  return letters.filter(({ to }) => to === address)
}

async function letterIn(folder: string, name: string): Promise<ArrivedLetter> {
  const raw = await readFile(join(folder, name))
  const { to, subject = '', text = '', html = '' } = await PostalMime.parse(raw)
  const purpose = /^\w+-([a-z]+)-/.exec(name)?.[1] ?? ''
  return { to: to?.[0]?.address ?? '', purpose, subject, text, html, raw: raw.toString() }
}

/** The latest letter to an address, which must be of this purpose. */
export async function lastLetterTo(app: Post, address: string, purpose: string): Promise<ArrivedLetter> {
  const letter = (await lettersTo(app, address)).at(-1)
  assert.ok(letter, `no letter came to ${address}`)
  assert.equal(letter.purpose, purpose)
  return letter
}

/** Where the letter's button leads, which must be the same in both of its forms. */
export function linkIn({ text, html }: ArrivedLetter): URL {
  const link = /^https?:\/\/\S+$/m.exec(text)?.[0] ?? ''
  assert.ok(html.replaceAll('&amp;', '&').includes(`href="${link}"`), html)
  return new URL(link)
}

/** The secret in a letter's link. */
export function tokenIn(letter: ArrivedLetter): string {
  return linkIn(letter).searchParams.get('token') ?? ''
}

/** The code of a letter that brings one. */
export function codeIn({ text }: ArrivedLetter): string {
  return /\b\d{6}\b/.exec(text)?.[0] ?? ''
}
