import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Create, type Metadata, type Sharp } from 'sharp'
import { Failure } from '../../src/core/failure.ts'
import type { Images, PictureSource, Variant } from '../../src/core/ports.ts'
import { type ImagesOptions, openImages } from '../../src/images/index.ts'

export const limits = { maxSide: 2_000 }

/** An image maker with a folder of its own, closed and removed after the test. */
export class Studio {
  readonly dir: string
  readonly options: ImagesOptions
  readonly errors: unknown[] = []
  #images: Images | undefined
  #pictures = 0

  constructor(options: Partial<ImagesOptions>) {
    this.dir = mkdtempSync(join(tmpdir(), 'larder-images-'))
    this.options = {
      cacheDir: join(this.dir, 'cache'),
      tmpDir: join(this.dir, 'tmp'),
      maxPixels: 50_000_000,
      maxSide: limits.maxSide,
      cacheSizeBytes: 64 * 1024 * 1024,
      timeoutMs: 60_000,
      report: (error) => this.errors.push(error),
      ...options,
    }
  }

  async open(): Promise<void> {
    await mkdir(this.options.tmpDir, { recursive: true })
    this.#images = await openImages(this.options)
  }

  /** Closes and opens it again, as a restart does; all that was on its way to the disk is there afterwards. */
  async reopen(): Promise<void> {
    await this.close()
    await this.open()
  }

  async close(): Promise<void> {
    await this.#images?.close()
  }

  get images(): Images {
    if (!this.#images) throw new TypeError('not open')
    return this.#images
  }

  async store(bytes: Buffer, contentType: string): Promise<PictureSource> {
    const path = join(this.dir, `picture-${++this.#pictures}`)
    await writeFile(path, bytes)
    return { digest: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, contentType, path }
  }

  async variant(source: PictureSource, query: string, accept?: string): Promise<Variant> {
    const recipe = this.images.recipe(new URLSearchParams(query), accept, source)
    if (!recipe) throw new TypeError(`no recipe: ${query}`)
    return this.images.variant(source, recipe)
  }

  /** What a picture of some kind becomes, with the header of the result. */
  async made(bytes: Buffer, contentType: string, query: string, accept?: string): Promise<MadePicture> {
    const variant = await this.variant(await this.store(bytes, contentType), query, accept)
    const made = variant.bytes ?? Buffer.alloc(0)
    return { variant, bytes: made, header: await sharp(made, { animated: true }).metadata() }
  }
}

interface MadePicture {
  readonly variant: Variant
  readonly bytes: Buffer
  readonly header: Metadata
}

export async function studio(t: TestContext, options: Partial<ImagesOptions> = {}): Promise<Studio> {
  const made = new Studio(options)
  await made.open()
  t.after(async () => {
    await made.close()
    rmSync(made.dir, { recursive: true, force: true })
  })
  return made
}

/** A picture of one colour. */
export function plain(width: number, height: number, background: Create['background'] = '#c33'): Sharp {
  const channels = typeof background === 'object' ? 4 : 3
  return sharp({ create: { width, height, channels, background } })
}

/** A picture that does not compress, so that half of its bytes is about half of the picture. */
export function noise(width: number, height: number): Sharp {
  return sharp({
    create: { width, height, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  })
}

export const clear = { r: 0, g: 0, b: 0, alpha: 0 }

export async function animation(kind: 'gif' | 'webp', frames: number, side = 40): Promise<Buffer> {
  const colours = ['#f00', '#0f0', '#00f', '#ff0', '#0ff', '#f0f']
  const stills = Array.from({ length: frames }, (_, index) =>
    plain(side, side, colours[index % 6])
      .png()
      .toBuffer(),
  )
  return sharp(await Promise.all(stills), { join: { animated: true } })
    [kind]()
    .toBuffer()
}

/** A PNG that is valid from end to end and black all over; large ones take a thousandth of their pixels in bytes. */
export function emptyPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height))
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

export async function pixelAt(bytes: Buffer, left: number, top: number): Promise<number[]> {
  return [...(await sharp(bytes).extract({ left, top, width: 1, height: 1 }).raw().toBuffer())]
}

/** For `assert.rejects`: the failure with this code and these facts. */
export function failure(code: string, detail: object): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof Failure)) return false
    const facts: Record<string, unknown> = { ...error.detail }
    return error.code === code && Object.entries(detail).every(([name, value]) => facts[name] === value)
  }
}
