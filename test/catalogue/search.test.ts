import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { catalogueFile } from '../../src/catalogue/connection.ts'
import { markOf, wordsOf } from '../../src/catalogue/words.ts'
import { newAccount, openTestCatalogue, publication, putting } from '../support/catalogue.ts'
import { thisFile } from '../support/shared.ts'

const { catalogue, folder: dataFolder } = await openTestCatalogue(thisFile)
const { read, write } = catalogue

/** An account of the test's own with files at these paths, and what is found there. */
async function open(...paths: string[]) {
  const accountId = await newAccount(catalogue, `${randomUUID()}@example.org`)
  const put = (path: string) => write.putFile(putting(accountId, path))
  await Promise.all(paths.map(put))
  const change = { accountId, prefix: null, message: '', now: 2 }
  return {
    accountId,
    put,
    found: async (text: string, { limit = 100, folder = '' } = {}) =>
      (await read.search({ accountId, folder, text, limit })).map((entry) => entry.path),
    move: (from: string, to: string) => write.moveEntry({ ...change, from, to }),
    remove: (path: string) => write.deleteEntry({ ...change, path }),
  }
}

test('Every word must be there, as the beginning of one in the name or in a folder’s above', async () => {
  const { found } = await open('docs/2026/report final.pdf', 'docs/report.txt', 'other/Reporting.md')
  assert.deepEqual(await found('final'), ['docs/2026/report final.pdf'])
  assert.deepEqual(await found('FIN rep'), ['docs/2026/report final.pdf'])
  assert.deepEqual(await found('report 2026'), ['docs/2026/report final.pdf'])
  assert.deepEqual(await found('docs'), ['docs/report.txt', 'docs/2026/report final.pdf'])
  assert.deepEqual(await found('docs 2026 pdf'), ['docs/2026/report final.pdf'])
  assert.deepEqual(await found('eport'), [])
  assert.deepEqual(await found('docs nothing'), [])
  assert.deepEqual(await found('report report rep'), await found('report'))
  assert.deepEqual(await found(' .,-!? '), [])
})

test('Case, accents and forms of letters do not matter', async () => {
  const paths = [
    'Crème Brûlée.txt',
    'ΟΔΥΣΣΕΥΣ.txt',
    'ﬁnal.txt',
    'Straße.txt',
    'привет-мир.txt',
    '日本語 文書.txt',
    'ᦵᦎ.txt',
  ]
  const { found } = await open(...paths)
  for (const [text, path] of [
    ['creme brulee', paths[0]],
    ['BRÛ', paths[0]],
    ['Cre\u0300me', paths[0]],
    ['οδυσσευς', paths[1]],
    ['final', paths[2]],
    ['straße', paths[3]],
    ['ПРИВЕТ', paths[4]],
    ['мир', paths[4]],
    ['文書', paths[5]],
    ['ᦵᦎ', paths[6]],
  ] as const)
    assert.deepEqual(await found(text), [path], text)
})

test('The best come first: the whole name, its beginning, all words in it, some in its path', async () => {
  const best = [
    'z/report', // the whole name
    'b/report.md',
    'z/report.txt', // whatever its extension, a short one first
    'report2.txt', // the name begins so
    'report-of-may.txt',
    'my-report.txt', // a word in the name
    'a-reporting.txt', // the beginning of one
    'report/a.txt', // a word in the path
  ]
  const { found } = await open(...[...best].reverse())
  const all = await found('report')
  assert.deepEqual(all, [best[0], best[1], best[2], best[4], best[3], ...best.slice(5)])
  assert.deepEqual(await found('report', { limit: 3 }), all.slice(0, 3))
})

test('A file is found by the name that is shown for it too', async () => {
  const { accountId, found } = await open()
  await write.publishFiles(publication(accountId, 'photo.jpg'))
  const [second] = await write.publishFiles(publication(accountId, 'photo.jpg'))
  assert.equal((await found('photo.jpg')).length, 2)
  const name = 'Sunset at sea'
  const change = { accountId, fileId: second?.fileId ?? '', prefix: null, now: 3 }
  await write.changeFile({ ...change, name, segments: [`photo-${second?.fileId}.jpg`] })
  assert.equal((await found('sunset photo')).length, 1)
  await write.changeFile({ ...change, name, segments: ['sea.jpg'] })
  assert.deepEqual([await found('sunset'), await found('photo')], [['sea.jpg'], ['photo.jpg']])
})

test('Search feels at once what was moved, put again and deleted', async () => {
  const { put, found, move, remove } = await open('a/one.txt', 'a/two.txt')
  await put('a/one.txt')
  assert.deepEqual(await found('one'), ['a/one.txt'])
  await move('a/one.txt', 'b/three.txt')
  assert.deepEqual([await found('one'), await found('three')], [[], ['b/three.txt']])
  await move('a/', 'c/d/')
  assert.deepEqual([await found('a'), await found('c two')], [[], ['c/d/two.txt']])
  await remove('c/')
  assert.deepEqual(await found('two'), [])
  await put('c/new')
  assert.deepEqual([await found('c'), await found('d'), await found('txt')], [['c/new'], [], ['b/three.txt']])
  while ((await write.sweepDetached({ limit: 1, now: 3 })).left);
  assert.deepEqual(await found('two'), [])
  assert.deepEqual(await catalogue.audit.wrongCounters(), [])
})

test('One account never finds what is another’s', async () => {
  const [one, other] = [await open('secret plan.txt'), await open('plan.txt')]
  assert.deepEqual(await other.found('secret'), [])
  assert.deepEqual(await other.found('plan'), ['plan.txt'])
  assert.deepEqual(await one.found('plan'), ['secret plan.txt'])
})

test('Held to a folder, one finds what lies below it, by names below and above', async () => {
  const { found } = await open('docs/a/x.txt', 'docs/x.txt', 'docs2/x.txt', 'x.txt', 'x/docs/y')
  assert.deepEqual(await found('x', { folder: 'docs/' }), ['docs/a/x.txt', 'docs/x.txt'])
  assert.deepEqual(await found('x', { folder: 'docs/a/' }), ['docs/a/x.txt'])
  assert.deepEqual(await found('docs x', { folder: 'docs/a/' }), ['docs/a/x.txt'])
  assert.deepEqual(await found('x', { folder: 'nowhere/' }), [])
  assert.deepEqual(await found('x', { folder: 'x.txt/' }), [])
})

test('No mark of an account begins another’s', () => {
  const marks = [1, 9, 35, 36, 37, 1_295, 1_296, 46_655, 46_656, 1_000_000, 2 ** 40].map(markOf)
  for (const one of marks)
    for (const other of marks) assert.equal(one !== other && one.startsWith(other), false, `${other} ${one}`)
})

test('Words folded once are folded for good, and the index keeps them as they are', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())
  const raw = new Database(':memory:')
  const source = new Database(catalogueFile(dataFolder), { readonly: true })
  for (const name of ['names', 'name_words'])
    raw.exec(source.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name) as string)
  source.close()
  const insert = raw.prepare('INSERT OR REPLACE INTO names (rowid, words) VALUES (1, ?)')
  const kept = raw.prepare('SELECT DISTINCT term FROM name_words ORDER BY term').pluck()
  const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  fc.assert(
    fc.property(text, (said) => {
      const words = wordsOf(said)
      assert.deepEqual(wordsOf(words.join(' ')), words)
      insert.run(words.join(' '))
      assert.deepEqual(kept.all(), [...new Set(words)].sort(bytes))
    }),
  )
  raw.close()
})

/** Many files at once, straight into the tables: putting them one by one would take long. */
function fill(accountId: string, folder: string, names: readonly string[]): void {
  const raw = new Database(catalogueFile(dataFolder))
  const seqOf = raw.prepare('SELECT seq FROM entries WHERE account_id = ? AND segment = ?').pluck()
  const [parent, root] = [seqOf.get(accountId, folder), seqOf.get(accountId, '')] as [number, number]
  const file = raw.prepare(
    `INSERT INTO files (id, file_id, account_id, digest, size, content_type, created_at)
     SELECT ?, ?, account_id, digest, 0, 'x', 1 FROM files WHERE account_id = ? LIMIT 1`,
  )
  const entry = raw.prepare(
    `INSERT INTO entries (id, account_id, parent, segment, name, file, is_public, description, tags, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, 0, '', '[]', 1, 1)`,
  )
  const index = raw.prepare('INSERT INTO names (rowid, words) VALUES (?, ?)')
  const count = raw.prepare('UPDATE entries SET files_below = files_below + ? WHERE seq IN (?, ?)')
  raw.transaction(() => {
    for (const name of names) {
      const id = randomUUID()
      const content = file.run(id, id, accountId).lastInsertRowid
      const seq = entry.run(id, accountId, parent, name, name, content).lastInsertRowid
      index.run(
        seq,
        wordsOf(name)
          .map((word) => markOf(root) + word)
          .join(' '),
      )
    }
    count.run(names.length, parent, root)
  })()
  raw.close()
}

test('Words that are in very many names are found still, together with others and below a folder', async () => {
  const { accountId, found } = await open('many/first', 'other/photo special.jpg', 'small/photo 7.jpg')
  const names = Array.from({ length: 10_500 }, (_, n) => `photo ${n} ${n % 2 ? 'odd' : 'even'}.jpg`)
  fill(accountId, 'many', names)
  assert.equal((await found('photo', { limit: 200 })).length, 200)
  assert.deepEqual(await found('photo special'), ['other/photo special.jpg'])
  assert.deepEqual(await found('photo 7 jpg', { limit: 1 }), ['small/photo 7.jpg'])
  assert.deepEqual(await found('photo 10499'), ['many/photo 10499 odd.jpg'])
  assert.deepEqual(await found('even odd'), [])
  assert.deepEqual(await found('photo', { folder: 'small/' }), ['small/photo 7.jpg'])
  assert.deepEqual(await found('photo', { folder: 'other/' }), ['other/photo special.jpg'])
  assert.equal((await found('many', { limit: 200 })).length, 200)
  assert.equal((await found('many photo', { limit: 200 })).length, 200)
  assert.deepEqual(await found('many 10498 even'), ['many/photo 10498 even.jpg'])
})
