import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { Visitor } from '../support/dashboard.ts'

/** Sets the owner's account up by the link of the first start, as a person does in a browser. */
export async function setUp(url: string, output: string): Promise<void> {
  const token = /set-up\?token=([\w-]+)/.exec(output)?.[1] ?? ''
  const visitor = new Visitor({ url })
  const done = await visitor.post('/app/set-up', { token, email: 'ada@example.org', password: 'correct horse battery' })
  assert.equal(done.status, 303, await done.text())
  assert.equal((await visitor.get('/app/')).status, 200)
}

export interface Stored {
  /** The picture's public address. */
  readonly url: string
  readonly bytes: Buffer
}

/** Uploads a picture. */
export async function store(url: string, key: string): Promise<Stored> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  const bytes = await sharp({ create: { width: 640, height: 480, channels: 3, background: 'teal', noise } })
    .jpeg()
    .toBuffer()
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' }), 'sea.jpg')
  const headers = { Authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/api/v1/files/upload`, { method: 'POST', headers, body: form })
  assert.equal(answer.status, 201, await answer.clone().text())
  const { file } = (await answer.json()) as { file: { url: string } }
  return { url: file.url, bytes }
}

/** The picture comes back byte for byte, and smaller, as AVIF. */
export async function comesBack({ url, bytes }: Stored): Promise<void> {
  assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes)
  const variant = await fetch(`${url}?width=160&format=avif`)
  assert.equal(variant.headers.get('content-type'), 'image/avif')
  assert.equal((await sharp(Buffer.from(await variant.arrayBuffer())).metadata()).width, 160)
}

/** Memory that a process holds at this moment, in MiB. */
export function memoryOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}
