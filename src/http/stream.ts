import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ClientGone } from './body.ts'

/**
 * Sends JSON as it comes. The first piece is had before anything is answered, so that what fails at once is answered like any
 * failure; what fails later breaks the connection, and no part is taken for the whole. @throws ClientGone.
 */
export async function sendPieces(
  request: IncomingMessage,
  response: ServerResponse,
  pieces: AsyncIterable<string>,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]()
  const first = await iterator.next()
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' })
  if (first.done || request.method === 'HEAD') {
    await iterator.return?.()
    return void response.end()
  }
  await pipeline(Readable.from(after(first.value, iterator)), response).catch((error) => {
    throw response.destroyed && error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? new ClientGone() : error
  })
}

async function* after(first: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** A list as JSON text in pieces: what stands before it, its items, what stands after. */
export async function* listInPieces<T>(name: string, pages: AsyncIterable<readonly T[]>): AsyncGenerator<string> {
  let text = `{${JSON.stringify(name)}:[`
  for await (const page of pages) {
    yield text + page.map((item) => JSON.stringify(item)).join(',')
    text = ','
  }
  // Nothing was sent yet where there was no page: then this is all of it.
  yield `${text === ',' ? '' : text}]}`
}
