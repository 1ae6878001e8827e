import { parentPort, workerData } from 'node:worker_threads'
import { carryOut, type Order } from './batch.ts'
import { openActivityWriter, openWriter } from './connection.ts'

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
let busy = false

port.on('message', (message: Order | 'close') => {
  if (message === 'close') return closeWhenIdle()
  waiting.push(message)
  if (!busy) {
    busy = true
    setImmediate(work)
  }
})

async function work(): Promise<void> {
  if (waiting.length === 0) {
    busy = false
    return
  }
  const orders = waiting
  waiting = []
  port?.postMessage(await carryOut(databases, orders))
  // Messages that came during the commit are delivered before an immediate runs.
  setImmediate(work)
}

function closeWhenIdle(): void {
  if (busy || waiting.length > 0) return void setImmediate(closeWhenIdle)
  databases.catalogue.raw.close()
  databases.activity.raw.close()
  port?.close()
}
