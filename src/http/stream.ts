import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Sends JSON as it comes. The first piece is had before anything is answered, so that what fails at once is answered like any
 * failure; what fails later breaks the connection, and no part is taken for the whole.
 */
export async function sendPieces(
  request: IncomingMessage,
  response: ServerResponse,
  pieces: AsyncIterable<string>,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]()
  let next = await iterator.next()
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' })
  try {
    while (!next.done && request.method !== 'HEAD' && !response.destroyed) {
      if (!response.write(next.value)) await Promise.race([once(response, 'drain'), once(response, 'close')])
      next = await iterator.next()
    }
  } finally {
    await iterator.return?.()
  }
  response.end()
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
