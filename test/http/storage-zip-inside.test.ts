import assert from 'node:assert/strict'
import { readdir, readlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Packed } from '../../src/core/archives.ts'
import { zipReply } from '../../src/http/storage/zip.ts'
import { openInnerApp } from '../support/inner-app.ts'
import { thisFile } from '../support/shared.ts'
import { until } from '../support/state.ts'
import { put, storage } from '../support/storage.ts'

const app = await openInnerApp(thisFile)

/** Files of the store that this very process holds open. */
async function openBlobs(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${app.pid}/fd`)).map((fd) => readlink(`/proc/${app.pid}/fd/${fd}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(`${app.folder}/blobs`))
}

const textOf = async (content: Buffer | Readable): Promise<string> =>
  Buffer.isBuffer(content) ? content.toString() : Buffer.concat(await content.toArray()).toString()

/** Packs a folder step by step; the names and texts that come, with something done after the first. */
async function packedWhile(path: string, meanwhile: () => Promise<unknown>): Promise<Record<string, string>> {
  const { start } = await app.core.archives.ofCaller({ account: app.owner, by: 'session', session: {} as never }, path)
  const came: [string, string][] = []
  for await (const one of app.core.archives.pack(start)) {
    if (came.length === 0) await meanwhile()
    came.push([one.name, one.kind === 'file' ? await textOf(one.content) : ''])
  }
  return Object.fromEntries(came)
}

test('What is deleted while a zip is made is left out, and what is replaced comes as it is by then', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await put(app, `busy/${name}`, `old ${name}`)
  const came = await packedWhile('busy/', async () => {
    await storage(app, 'DELETE', '/files/busy/b')
    await put(app, 'busy/c', 'new c')
    await sleep(300)
  })
  assert.deepEqual(came, { a: 'old a', c: 'new c', d: 'old d' })
})

test('A folder that is moved while its zip is made comes whole', async () => {
  for (const name of ['sub/a', 'sub/b', 'x', 'y']) await put(app, `moving/${name}`, name)
  const came = await packedWhile('moving/', () =>
    storage(app, 'POST', '/files/move', { json: { from: 'moving/', to: 'elsewhere/moved/' } }),
  )
  assert.deepEqual(came, { 'sub/a': 'sub/a', 'sub/b': 'sub/b', x: 'x', y: 'y' })
})

test('A zip may have more entries than the old format counts', async () => {
  const count = 0x10000 + 1
  async function* pack(): AsyncGenerator<Packed> {
    for (let n = 0; n < count; n++) yield { kind: 'folder', name: `${n}/`, modifiedAt: 0 }
  }
  const call = { core: { archives: { pack } }, request: { method: 'GET' }, context: {} } as never
  const { source } = zipReply(call, 'many', {} as never) as { source: Readable }
  const zip = Buffer.concat(await source.toArray())
  const end = zip.lastIndexOf(Buffer.from('PK\x06\x06'))
  assert.deepEqual([zip.readUInt16LE(zip.length - 12), Number(zip.readBigUInt64LE(end + 32))], [0xffff, count])
  const directory = zip.subarray(Number(zip.readBigUInt64LE(end + 48)), end)
  assert.equal(directory.toString('latin1').split('PK\x01\x02').length - 1, count)
})

test('Whoever packs and stops leaves no file open', async () => {
  for (const name of ['a', 'b']) await put(app, `large/${name}`, Buffer.alloc(1024 * 1024, name))
  const { start } = await app.core.archives.ofCaller(
    { account: app.owner, by: 'session', session: {} as never },
    'large',
  )
  for await (const one of app.core.archives.pack(start)) {
    ;(one as { content: Readable }).content.destroy()
    break
  }
  await until('what is read to be closed', async () => (await openBlobs()).length === 0)
})
