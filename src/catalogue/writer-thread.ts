import { parentPort, workerData } from 'node:worker_threads'
import { attempt, commitTogether, type Order } from './batch.ts'
import { openActivityWriter, openWriter } from './connection.ts'
import { ofActivity } from './transactions/index.ts'

/**
 * The one thread that writes. SQLite's commit blocks its thread for as long as the disk takes; here it blocks nobody else,
 * and what arrives meanwhile shares the next one.
 */
export interface WriterData {
  readonly dir: string
  readonly tellsOthers: boolean
}

const port = parentPort
if (!port) throw new TypeError('the writer runs as a thread')

const { dir, tellsOthers } = workerData as WriterData
const databases = { catalogue: openWriter(dir), activity: openActivityWriter(dir), tellsOthers }
let waiting: Order[] = []
/** Orders for the second database: one at a time, and only when nothing else waits. */
const later: Order[] = []
let busy = false

port.on('message', (message: Order | 'close') => {
  if (message === 'close') return closeWhenIdle()
  if (ofActivity.has(message.name)) later.push(message)
  else waiting.push(message)
  if (!busy) {
    busy = true
    setImmediate(work)
  }
})

async function work(): Promise<void> {
  const orders = waiting
  waiting = []
  const next = orders.length === 0 ? later.shift() : undefined
  if (orders.length > 0) port?.postMessage(await commitTogether(databases, orders))
  else if (next) port?.postMessage([await attempt(databases, next)])
  else {
    busy = false
    return
  }
  // Messages that came during the commit are delivered before an immediate runs.
  setImmediate(work)
}

function closeWhenIdle(): void {
  if (busy) return void setImmediate(closeWhenIdle)
  databases.catalogue.raw.close()
  databases.activity.raw.close()
  port?.close()
}
