import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { CatalogueAudit } from '../core/catalogue.ts'
import type { Connection } from './connection.ts'
import { type Db, pathOfEntry } from './queries.ts'
import type { ReadTables } from './schema.ts'

const rowsAtOnce = 1_000

export function auditOf({ raw, db }: Connection<ReadTables>): CatalogueAudit {
  return {
    blobRows: () => blobRows(db),
    knownBlobs: async (digests) => {
      const rows = await db.selectFrom('blobs').select('digest').where('digest', 'in', digests).execute()
      return new Set(rows.map((row) => row.digest))
    },
    namesOf: (digest) => namesOf(db, digest),
    wrongCounters: async () => [
      ...(await wrongFolders(db)),
      ...(await wrongBlobs(db)),
      ...(await wrongAccounts(db)),
      ...(await wrongUploads(db)),
    ],
    integrity: async () => {
      const rows = raw.pragma('integrity_check') as { integrity_check: string }[]
      const foreign = raw.pragma('foreign_key_check') as { table: string; rowid: number }[]
      const texts = rows.map((row) => row.integrity_check).filter((text) => text !== 'ok')
      return [...texts, ...foreign.map((row) => `a row of ${row.table} points at nothing (rowid ${row.rowid})`)]
    },
    isDoomed: async (digest) => {
      const row = await db.selectFrom('blobs').select('state').where('digest', '=', digest).executeTakeFirst()
      return row?.state === 'doomed'
    },
    garbage: async (unnamedBefore = Number.MAX_SAFE_INTEGER) => {
      const row = await db
        .selectFrom('blobs')
        .select((e) => [
          e.fn.countAll<number>().as('count'),
          e.fn.coalesce(e.fn.sum<number>('size'), sql`0`).as('bytes'),
        ])
        .where('unnamed_since', '<=', unnamedBefore)
        .executeTakeFirstOrThrow()
      return { count: Number(row.count), bytes: Number(row.bytes) }
    },
  }
}

async function* blobRows(db: Kysely<ReadTables>) {
  let last = ''
  while (true) {
    const rows = await db
      .selectFrom('blobs')
      .select(['digest', 'size', 'state', 'names'])
      .where('digest', '>', last)
      .orderBy('digest')
      .limit(rowsAtOnce)
      .execute()
    if (rows.length === 0) return
    for (const { digest, size, state, names } of rows) yield { digest, size, doomed: state === 'doomed', names }
    last = rows.at(-1)?.digest ?? last
  }
}

async function namesOf(db: Kysely<ReadTables>, digest: string): Promise<{ account: string; path: string }[]> {
  const rows = await db
    .selectFrom('entries as e')
    .innerJoin('files as f', 'f.seq', 'e.file')
    .innerJoin('accounts as a', 'a.id', 'e.account_id')
    .select(['e.seq', 'a.email', 'a.id'])
    .where('f.digest', '=', digest)
    .execute()
  const paths = rows.map(async (row) => ({
    account: row.email ?? row.id,
    path: await pathOfEntry(db as unknown as Db, row.seq),
  }))
  return Promise.all(paths)
}

interface WrongRow {
  seq: number
  account: string
  counter: string
  kept: number
  counted: number
}

/**
 * Each counter of each folder beside what lies in or below it. What lies below is summed upwards from every entry along
 * its ancestors; the sums of deleted folders mean nothing any more and are left out.
 */
async function wrongFolders(db: Kysely<ReadTables>) {
  const found = await sql<WrongRow>`
    WITH RECURSIVE
      tree(seq) AS (
        SELECT seq FROM entries WHERE segment = ''
        UNION ALL SELECT e.seq FROM entries e JOIN tree t ON e.parent = t.seq
      ),
      up(ancestor, seq) AS (
        SELECT e.parent, e.seq FROM entries e JOIN tree t ON t.seq = e.seq WHERE e.parent IS NOT NULL
        UNION ALL SELECT e.parent, up.seq FROM up JOIN entries e ON e.seq = up.ancestor WHERE e.parent IS NOT NULL
      ),
      below AS (
        SELECT up.ancestor AS seq, sum(e.file IS NOT NULL) AS files, sum(e.file IS NULL) AS folders,
          sum(coalesce(f.size, 0)) AS bytes
        FROM up JOIN entries e ON e.seq = up.seq LEFT JOIN files f ON f.seq = e.file GROUP BY up.ancestor
      ),
      inside AS (
        SELECT parent AS seq, sum(file IS NOT NULL) AS files, sum(file IS NULL) AS folders FROM entries GROUP BY parent
      ),
      counted AS (
        SELECT e.seq, e.account_id, e.files_in, e.folders_in, e.files_below, e.folders_below, e.bytes_below,
          coalesce(i.files, 0) AS ci, coalesce(i.folders, 0) AS cf, coalesce(b.files, 0) AS bf, coalesce(b.folders, 0) AS bo,
          coalesce(b.bytes, 0) AS bb
        FROM entries e JOIN tree t ON t.seq = e.seq LEFT JOIN inside i ON i.seq = e.seq LEFT JOIN below b ON b.seq = e.seq
        WHERE e.file IS NULL
      ),
      wrong AS (
        SELECT seq, account_id, 'files in it' AS counter, files_in AS kept, ci AS counted FROM counted WHERE files_in <> ci
        UNION ALL SELECT seq, account_id, 'folders in it', folders_in, cf FROM counted WHERE folders_in <> cf
        UNION ALL SELECT seq, account_id, 'files below', files_below, bf FROM counted WHERE files_below <> bf
        UNION ALL SELECT seq, account_id, 'folders below', folders_below, bo FROM counted WHERE folders_below <> bo
        UNION ALL SELECT seq, account_id, 'bytes below', bytes_below, bb FROM counted WHERE bytes_below <> bb
      )
    SELECT w.seq, coalesce(a.email, a.id) AS account, w.counter, w.kept, w.counted
    FROM wrong w JOIN accounts a ON a.id = w.account_id`.execute(db)
  const rows = found.rows.map(async ({ seq, ...row }) => ({
    ...row,
    where: `folder /${await pathOfEntry(db as unknown as Db, seq)}`,
  }))
  return Promise.all(rows)
}

async function wrongBlobs(db: Kysely<ReadTables>) {
  const found = await sql<{ digest: string; kept: number; counted: number }>`
    SELECT b.digest, b.names AS kept, count(f.seq) AS counted FROM blobs b LEFT JOIN files f ON f.digest = b.digest
    GROUP BY b.digest HAVING b.names <> count(f.seq)`.execute(db)
  return found.rows.map(({ digest, ...row }) => ({ ...row, account: '', where: `blob ${digest}`, counter: 'names' }))
}

/** What an account counts beside its tree: transactions without gaps, parts of open uploads, and entries whose words are kept. */
async function wrongAccounts(db: Kysely<ReadTables>) {
  const found = await sql<{ account: string; counter: string; kept: number; counted: number }>`
    WITH
      events AS (SELECT account_id, count(*) AS n, max(tx) AS last FROM history GROUP BY account_id),
      parts AS (
        SELECT u.account_id, sum(p.size) AS bytes FROM uploads u JOIN upload_parts p ON p.upload_id = u.id
        WHERE u.state = 'open' GROUP BY u.account_id
      ),
      named AS (
        SELECT e.account_id, count(*) AS entries, count(d.id) AS n FROM entries e LEFT JOIN names_docsize d ON d.id = e.seq
        WHERE e.segment IS NOT '' GROUP BY e.account_id
      ),
      counted AS (
        SELECT 'transactions' AS counter, account_id, n AS kept, last AS counted FROM events
        UNION ALL SELECT 'last transaction', a.id, a.last_tx, coalesce(e.last, 0)
          FROM accounts a LEFT JOIN events e ON e.account_id = a.id
        UNION ALL SELECT 'bytes of open uploads', a.id, a.upload_bytes, coalesce(p.bytes, 0)
          FROM accounts a LEFT JOIN parts p ON p.account_id = a.id
        UNION ALL SELECT 'names to search', account_id, n, entries FROM named
        UNION ALL SELECT 'names of nothing', NULL, count(*), 0
          FROM names_docsize d WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.seq = d.id)
      )
    SELECT coalesce(a.email, a.id, '') AS account, c.counter, c.kept, c.counted
    FROM counted c LEFT JOIN accounts a ON a.id = c.account_id WHERE c.kept <> c.counted`.execute(db)
  return found.rows.map((row) => ({ ...row, where: 'account' }))
}

async function wrongUploads(db: Kysely<ReadTables>) {
  const found = await sql<{ id: string; account: string; kept: number; counted: number }>`
    SELECT u.id, coalesce(a.email, a.id) AS account, u.bytes AS kept, coalesce(sum(p.size), 0) AS counted
    FROM uploads u JOIN accounts a ON a.id = u.account_id LEFT JOIN upload_parts p ON p.upload_id = u.id
    GROUP BY u.id HAVING kept <> counted`.execute(db)
  return found.rows.map(({ id, ...row }) => ({ ...row, where: `upload ${id}`, counter: 'bytes received' }))
}
