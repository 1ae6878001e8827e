import assert from 'node:assert/strict'
import sharp from 'sharp'

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
