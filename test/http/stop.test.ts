import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Proxies } from '../../src/http/address.ts'
import { listen } from '../../src/http/server.ts'

test('An answer that is given and not yet out is not cut when the server stops, however slowly it is read', async () => {
  // More than the system keeps for a connection: the rest waits in the process.
  const bytes = Buffer.alloc(24_000_000, 'larder')
  const { addresses, stop } = await listen({
    host: '127.0.0.1',
    port: 0,
    maxConnectionsPerAddress: 10,
    proxies: new Proxies([]),
    handle: (_request, response) => void response.end(bytes),
  })
  const { host, port } = addresses[0] ?? assert.fail('it listens')
  const socket = connect({ host, port })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'readable')
  const stopped = stop(10_000)
  // Long enough for several looks at what is idle.
  await new Promise((resolve) => setTimeout(resolve, 300))
  let size = 0
  for await (const piece of socket) size += (piece as Buffer).length
  assert.ok(size > bytes.length, `${size} bytes came`)
  await stopped
})
