/**
 * Makes a data folder with as many files as a test of speed needs, straight into the catalogue: a million takes less than a
 * minute or two, where uploads would take hours. All files share one small blob. What it prints last is the owner's key.
 *
 *   node scripts/make-store.ts DIR [--files 1000000] [--folders 100000] [--movable 100000]
 *
 * `flat/` holds the files, `movable/` those of a folder to move, and the root holds the folders beside these two.
 */
import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { prepareFolder } from '../src/blobs/layout.ts'
import { LocalBlobs } from '../src/blobs/local.ts'
import { catalogueFile } from '../src/catalogue/connection.ts'
import { openCatalogue } from '../src/catalogue/index.ts'
import { indexedWords, markOf } from '../src/catalogue/words.ts'
import { Accounts } from '../src/core/accounts.ts'
import { systemClock } from '../src/store.ts'

export interface StoreSizes {
  readonly files: number
  readonly folders: number
  readonly movable: number
}

const content = 'Hello, Larder\n'

/** Fills an empty folder with a store. Resolves to the owner's key. */
export async function makeStore(dir: string, { files, folders, movable }: StoreSizes): Promise<string> {
  const folder = await prepareFolder(dir)
  const catalogue = await openCatalogue({ dir: folder.dir, tellsOthers: false })
  const accounts = new Accounts({ catalogue, clock: systemClock })
  const first = await accounts.firstStart({ showsSecrets: true })
  if (!first?.secrets) throw new Error(`${dir} holds a store already`)
  const owner = await accounts.owner()
  await catalogue.close()
  const blobs = new LocalBlobs({ folder, reserveBytes: 0 })
  const placed = await blobs.commit(await blobs.stage(Readable.from([Buffer.from(content)]), { limitBytes: 1_000 }))
  placed.release()
  await blobs.close()
  const db = new Database(catalogueFile(folder.dir))
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -200000')
  db.transaction(() => {
    const filler = new Filler(db, owner.id, placed.digest)
    filler.folder('flat', files)
    filler.folder('movable', movable)
    for (let n = 0; n < folders; n++) filler.folder(`folder-${padded(n)}`, 0)
    filler.finish()
  })()
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  return first.secrets.key
}

const padded = (n: number): string => String(n).padStart(7, '0')

/** Writes the rows that transactions would have written, one event after the other. */
class Filler {
  readonly #statements: Record<'file' | 'entry' | 'event' | 'path' | 'ofPath' | 'words', Database.Statement>
  readonly #db: Database.Database
  readonly #account: string
  readonly #digest: string
  readonly #root: number
  readonly #mark: string
  readonly #now = Date.now()
  #tx = 0
  #files = 0
  #folders = 0

  constructor(db: Database.Database, account: string, digest: string) {
    this.#db = db
    this.#account = account
    this.#digest = digest
    this.#root = db
      .prepare("SELECT seq FROM entries WHERE account_id = ? AND segment = ''")
      .pluck()
      .get(account) as number
    this.#mark = markOf(this.#root)
    // Files point at it; how many, is said at the end.
    db.prepare("INSERT INTO blobs (digest, size, state, names) VALUES (?, ?, 'live', 1)").run(digest, content.length)
    this.#statements = {
      file: db.prepare(
        `INSERT INTO files (id, file_id, account_id, digest, size, content_type, created_at) VALUES (?, ?, ?, ?, ?, 'text/plain', ?)`,
      ),
      entry: db.prepare(
        `INSERT INTO entries (id, account_id, parent, segment, name, file, is_public, description, tags, created_at, updated_at,
          files_in, files_below, bytes_below, tx, tx_at) VALUES (?, ?, ?, ?, ?, ?, 0, '', '[]', ?, ?, ?, ?, ?, ?, ?)`,
      ),
      event: db.prepare(
        "INSERT INTO history (account_id, tx, action, path, size, digest, message, at) VALUES (?, ?, ?, ?, ?, ?, '', ?)",
      ),
      path: db.prepare('INSERT INTO history_paths (account_id, path) VALUES (?, ?)'),
      ofPath: db.prepare('INSERT INTO history_of_path (path_id, tx, is_own) VALUES (?, ?, ?)'),
      words: db.prepare('INSERT INTO names (rowid, words) VALUES (?, ?)'),
    }
  }

  /** A folder in the root with so many files in it. */
  folder(name: string, files: number): void {
    this.#folders++
    const parent = this.#entry(this.#root, name, null, files)
    const folderPath = this.#event('mkdir', `${name}/`, null)
    for (let n = 0; n < files; n++) this.#file(parent, name, folderPath, n)
  }

  finish(): void {
    const bytes = this.#files * content.length
    this.#db
      .prepare('UPDATE entries SET folders_in = ?, folders_below = ?, files_below = ?, bytes_below = ? WHERE seq = ?')
      .run(this.#folders, this.#folders, this.#files, bytes, this.#root)
    this.#db.prepare('UPDATE blobs SET names = ? WHERE digest = ?').run(this.#files, this.#digest)
    this.#db.prepare('UPDATE accounts SET last_tx = ? WHERE id = ?').run(this.#tx, this.#account)
  }

  #file(parent: number, folder: string, folderPath: number, n: number): void {
    const name = `photo ${folder}${padded(n)}.txt`
    const handle = `${folder.slice(0, 4)}-----${padded(n)}`
    const { file } = this.#statements
    const { lastInsertRowid } = file.run(
      crypto.randomUUID(),
      handle,
      this.#account,
      this.#digest,
      content.length,
      this.#now,
    )
    this.#entry(parent, name, Number(lastInsertRowid), 0)
    this.#event('put', `${folder}/${name}`, this.#digest)
    this.#statements.ofPath.run(folderPath, this.#tx, 0)
    this.#files++
  }

  /** The entry of the next event. */
  #entry(parent: number, name: string, file: number | null, files: number): number {
    const at = this.#now
    const bytes = files * content.length
    const counters = [files, files, bytes, this.#tx + 1, at]
    const row = [crypto.randomUUID(), this.#account, parent, name, name, file, at, at, ...counters]
    const seq = Number(this.#statements.entry.run(row).lastInsertRowid)
    this.#statements.words.run(seq, indexedWords(this.#mark, name, name))
    return seq
  }

  #event(action: 'put' | 'mkdir', path: string, digest: string | null): number {
    const size = digest === null ? null : content.length
    this.#statements.event.run(this.#account, ++this.#tx, action, path, size, digest, this.#now)
    const id = Number(this.#statements.path.run(this.#account, path).lastInsertRowid)
    this.#statements.ofPath.run(id, this.#tx, 1)
    return id
  }
}

if (import.meta.main) {
  const number = { type: 'string' } as const
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { files: number, folders: number, movable: number },
  })
  const [dir] = positionals
  if (dir === undefined) throw new Error('say the folder to make')
  const { files = '1000000', folders = '100000', movable = '100000' } = values
  const key = await makeStore(dir, { files: Number(files), folders: Number(folders), movable: Number(movable) })
  console.log(key)
}
