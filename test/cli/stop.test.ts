import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { temporaryFolder } from '../support/app.ts'
import { keyIn, startServer } from '../support/process.ts'

test('A Ctrl-C that comes twice, from the terminal and handed on by npm, is one wish: an upload under way is kept', async (t) => {
  const server = await startServer(t, await temporaryFolder(t))
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  const over = new Promise((resolve) => socket.once('close', resolve))
  const key = keyIn(server.output())
  socket.write(
    `PUT /storage/files/slow.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
  )
  while (!answer.includes('100 Continue')) await new Promise((resolve) => setTimeout(resolve, 5))
  const { pid = 0 } = server.child
  process.kill(pid, 'SIGINT')
  process.kill(pid, 'SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.write('slow')
  await over
  assert.match(answer, /HTTP\/1\.1 201 /)
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
})
