import type { IncomingMessage } from 'node:http'
import { type Failure, invalid } from '../core/failure.ts'

/** The window over which a body's rate is looked at. */
export const windowMs = 60_000

/**
 * Watches that a body under way keeps coming, however slowly: honest uploads over a bad line live as long as they like, a
 * client that holds a connection with a byte now and then does not. Returns the end of the watch.
 */
export function watchRate(request: IncomingMessage, bytesPerSecond: number, onTooSlow: () => void): () => void {
  if (bytesPerSecond <= 0) return () => {}
  let seen = request.socket.bytesRead
  const timer = setInterval(() => {
    // Received whole: what takes its time now is our disk.
    if (request.complete) return
    const came = request.socket.bytesRead - seen
    seen += came
    // What stands in our own buffers, because the disk is slow, is not the client's fault.
    if (came < (bytesPerSecond * windowMs) / 1000 && request.readableLength === 0) onTooSlow()
  }, windowMs)
  return () => clearInterval(timer)
}

export function tooSlow(bytesPerSecond: number): Failure {
  const problem = `the body came slower than ${bytesPerSecond} bytes a second over a minute (uploads.min_rate)`
  return invalid([], problem, 'rate')
}
