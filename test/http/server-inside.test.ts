import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Proxies } from '../../src/http/address.ts'
import { listen } from '../../src/http/server.ts'

test('Headers must come within fifteen seconds, and a body has no such end', async (t) => {
  const listening = await listen({
    host: '127.0.0.1',
    port: 0,
    maxConnectionsPerAddress: 1,
    proxies: new Proxies([]),
    handle: (_request, response) => response.end(),
  })
  t.after(() => listening.stop(0))
  const { headersTimeout, requestTimeout } = listening.server
  assert.deepEqual([headersTimeout, requestTimeout], [15_000, 0])
})
