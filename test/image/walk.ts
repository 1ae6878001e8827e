import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Visitor } from '../support/dashboard.ts'

/** Sets the owner's account up by the link of the first start, as a person does in a browser. */
export async function setUp(url: string, output: string): Promise<void> {
  const token = /set-up\?token=([\w-]+)/.exec(output)?.[1] ?? ''
  const visitor = new Visitor({ url })
  const done = await visitor.post('/app/set-up', { token, email: 'ada@example.org', password: 'correct horse battery' })
  assert.equal(done.status, 303, await done.text())
  assert.equal((await visitor.get('/app/')).status, 200)
}

/** Memory that a process holds at this moment, in MiB. */
export function memoryOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}
