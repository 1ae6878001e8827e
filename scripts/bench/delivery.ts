import { randomBytes } from 'node:crypto'
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { has, listen, median, type Row, requestsPerSecond, type Served, shell, timed, urlOf } from './tools.ts'
import { upload } from './uploads.ts'

/** A hot small file, beside a bare server that answers the same bytes from memory, in turns so that both meet the same machine. */
export async function hotFile(served: Served): Promise<Row[]> {
  if (!(await has('wrk'))) return [{ what: 'hot 10 KB file', measured: 'not measured: wrk is not installed', aim: '' }]
  const bytes = randomBytes(10 * 1024)
  const { url } = await upload(served, bytes, 'hot.bin')
  const bare = await listen((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes.length })
    response.end(bytes)
  })
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 3; round++) {
    theirs.push(await requestsPerSecond(urlOf(bare)))
    ours.push(await requestsPerSecond(url))
  }
  bare.close()
  const [larder, node] = [median(ours), median(theirs)]
  const measured = `${larder.toFixed(0)}/s, bare node:http ${node.toFixed(0)}/s: ${(larder / node).toFixed(2)} x`
  return [{ what: 'hot 10 KB file on /m', measured, aim: '0.85 x bare node:http' }]
}

/** A large file, beside a bare read stream piped into an answer. */
export async function largeFile(served: Served, folder: string): Promise<Row[]> {
  const size = 256 * 1024 * 1024
  const path = join(folder, 'large.bin')
  writeFileSync(path, randomBytes(size))
  const { url } = await upload(served, path, 'large.bin')
  const bare = await listen((_request, response) => {
    response.writeHead(200, { 'Content-Length': size })
    createReadStream(path).pipe(response)
  })
  const get = (from: string) => timed(() => shell(`curl -s -o /dev/null ${from}`))
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 5; round++) {
    theirs.push(await get(urlOf(bare)))
    ours.push(await get(url))
  }
  bare.close()
  const ratio = median(theirs) / median(ours)
  const measured = `${median(ours).toFixed(0)} ms, bare read stream ${median(theirs).toFixed(0)} ms: ${ratio.toFixed(2)} x`
  return [{ what: '256 MB GET', measured, aim: '1.0 x a bare read stream' }]
}
