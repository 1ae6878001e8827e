import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long, and how much, a refused client may go on sending before the connection is cut. */
const patienceMs = 2_000
const patienceBytes = 64 * 1024 * 1024
/** A rest of a body this small is read for the sake of the connection, which then stays open. */
const worthReadingBytes = 64 * 1024

/**
 * Prepares an answer that comes before the request's body has been read: the connection ends with it, but not at once. A
 * connection closed on a client that still sends is reset, and the answer is lost with what it was about to read.
 */
export function answerEarly(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || !hasBody(request) || response.headersSent) return
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  // Nothing was sent yet where the client waits for a 100: it takes the answer for a no and sends nothing.
  if (length <= worthReadingBytes && request.headers.expect === undefined) return
  response.shouldKeepAlive = false
  const { socket } = request
  const started = socket.bytesRead
  // Node ends the connection with `destroySoon` once the answer is written; this is what it means here.
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), patienceMs)
    request.unpipe()
    request.on('data', () => {
      if (socket.bytesRead - started > patienceBytes) socket.destroy()
    })
    request.on('end', () => socket.destroy())
    socket.on('close', () => clearTimeout(timer))
    request.resume()
  }
}

/** Whether a body comes with the request, by its headers (RFC 9112 section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}
