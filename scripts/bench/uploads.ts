import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import express from 'express'
import multer from 'multer'
import { listen, median, percentile, type Row, type Served, shell, timed, urlOf } from './tools.ts'

/** Uploads bytes, or a file by its path (with curl, which costs this process nothing). */
export async function upload(
  served: Served,
  what: Buffer | string,
  name: string,
): Promise<{ id: string; url: string }> {
  if (typeof what === 'string') {
    const form = `file=@${what};filename=${name};type=application/octet-stream`
    const text = await shell(
      `curl -sf -H 'Authorization: Bearer ${served.key}' -F '${form}' ${served.url}/api/v1/files/upload`,
    )
    return (JSON.parse(text) as { file: { id: string; url: string } }).file
  }
  return JSON.parse(await post(served, what, name)).file
}

const agent = new Agent({ keepAlive: true })

/** A small upload over a connection that is kept. */
function post(served: Served, bytes: Buffer, name: string): Promise<string> {
  const boundary = 'a-boundary-of-the-benchmark'
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return new Promise((resolve, reject) => {
    const sent = request(`${served.url}/api/v1/files/upload`, {
      method: 'POST',
      agent,
      headers: {
        Authorization: `Bearer ${served.key}`,
        'Content-Type': `multipart/form-data; boundary=${boundary}`,
        'Content-Length': body.length,
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => (response.statusCode === 201 ? resolve(text) : reject(new Error(text))))
    })
    sent.end(body)
  })
}

/** A large upload, hashed and synced, beside multer's own storage (neither hashed nor synced), and beside three commands one after another. */
export async function largeUpload(served: Served, folder: string): Promise<Row[]> {
  const path = join(folder, 'upload.bin')
  const target = join(folder, 'multer')
  const app = express()
  app.post('/', multer({ dest: target }).single('file'), (_request, response) => void response.end())
  const bare = await listen(app)
  const [ours, plain, commands]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < 5; round++) {
    // Other bytes each time: equal ones would be one blob, and the disk would have less to do.
    writeFileSync(path, randomBytes(256 * 1024 * 1024))
    await shell('sync')
    commands.push(await timed(() => shell(`cp ${path} ${path}.copy && sync ${path}.copy && sha256sum ${path}.copy`)))
    rmSync(`${path}.copy`)
    plain.push(await timed(() => shell(`curl -sf -F file=@${path} ${urlOf(bare)}/`)))
    await shell(`rm -f ${target}/*`)
    await shell('sync')
    ours.push(await timed(() => upload(served, path, 'upload.bin')))
  }
  bare.close()
  const ms = (values: readonly number[]): string => `${median(values).toFixed(0)} ms`
  const ratio = (values: readonly number[]): string => `${(median(values) / median(ours)).toFixed(2)} x`
  return [
    {
      what: '256 MB form upload',
      measured: `${ms(ours)}; cp + sync + sha256sum ${ms(commands)}: ${ratio(commands)}`,
      aim: '2.2 x as fast',
    },
    { what: '', measured: `multer to disk, neither hashed nor synced ${ms(plain)}: ${ratio(plain)}`, aim: '1.0 x' },
  ]
}

/** How long the slowest of a hundred reads of a hot file takes while 32 clients upload small files. */
export async function readsBesideUploads(served: Served): Promise<Row[]> {
  const hot = await upload(served, randomBytes(10 * 1024), 'hot.bin')
  const idle = await readTimes(hot.url, 3_000)
  let busy = true
  let uploads = 0
  const client = async (): Promise<void> => {
    while (busy) {
      await post(served, randomBytes(16 * 1024), 'small.bin')
      uploads++
    }
  }
  const clients = Array.from({ length: 32 }, client)
  const seconds = 10
  const loaded = await readTimes(hot.url, seconds * 1_000)
  busy = false
  await Promise.all(clients)
  const p99 = (times: readonly number[]): string => `${percentile(times, 0.99).toFixed(1)} ms`
  return [
    {
      what: 'p99 of /m beside 32 clients uploading 16 KB',
      measured: `${p99(loaded)} (alone ${p99(idle)}), at ${(uploads / seconds).toFixed(0)} durable uploads/s`,
      aim: '',
    },
  ]
}

async function readTimes(url: string, forMs: number): Promise<number[]> {
  const times: number[] = []
  for (const end = performance.now() + forMs; performance.now() < end; ) {
    times.push(await timed(async () => (await fetch(url)).arrayBuffer()))
  }
  return times
}
