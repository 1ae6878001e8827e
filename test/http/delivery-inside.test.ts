import assert from 'node:assert/strict'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { deliver } from '../../src/http/delivery.ts'
import { until } from '../support/state.ts'

test('A client that is gone before its file is open leaves none open', async (t) => {
  let source: Readable | undefined
  let over: Promise<number> | undefined
  const server = createServer((request, response) => {
    const content = {
      etag: '"x"',
      digest: '',
      lastModifiedMs: 0,
      size: 10_000_000,
      headers: [],
      cacheHeaders: [],
      open: async () => {
        await new Promise((resolve) => response.once('close', resolve))
        source = Readable.from([Buffer.alloc(1_000), Buffer.alloc(1_000)])
        return source
      },
    }
    over = deliver(request, response, content, [])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const request = get({ port, host: '127.0.0.1' }).on('error', () => {})
  await until('the request to arrive', () => over !== undefined)
  request.destroy()
  assert.equal(await over, 0)
  assert.equal(source?.destroyed, true)
})
