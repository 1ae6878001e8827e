import type { CatalogueWrites } from '../../core/catalogue.ts'
import { Failure } from '../../core/failure.ts'
import type { Project } from '../../core/model.ts'
import { projectOf } from '../rows.ts'
import type { ProjectRow } from '../schema.ts'
import type { Transactions, Work } from './context.ts'

export const projects: Transactions<Pick<CatalogueWrites, 'createProject' | 'renameProject' | 'deleteProject'>> = {
  createProject: insertProject,

  async renameProject(work, { id, accountId, name, now }) {
    const row = await work.db
      .updateTable('projects')
      .set({ name, updated_at: now })
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .returningAll()
      .executeTakeFirst()
    if (!row) throw noProject(id)
    return projectOf(row)
  },

  async deleteProject(work, { id, accountId, now }) {
    const project = await requireProject(work, accountId, id)
    const rest = await work.db
      .selectFrom('projects')
      .select('id')
      .where('account_id', '=', accountId)
      .where('id', '!=', id)
      .limit(1)
      .executeTakeFirst()
    if (!rest)
      throw new Failure('conflict', { what: 'project', id, why: 'this is the last project of the account: it stays' })
    const keys = work.db.updateTable('keys').where('project_id', '=', id)
    const revoked = await keys.set({ revoked_at: now }).where('revoked_at', 'is', null).returning('id').execute()
    // Their rows are kept for the list of requests, in no project.
    await keys.set({ project_id: null }).execute()
    await work.db.deleteFrom('projects').where('id', '=', id).execute()
    work.touched.keys.push(...revoked.map((key) => key.id))
    return projectOf(project)
  },
}

export async function insertProject(
  { db }: Work,
  { id, accountId, name, now }: { id: string; accountId: string; name: string; now: number },
): Promise<Project> {
  const row = await db
    .insertInto('projects')
    .values({ id, account_id: accountId, name, created_at: now, updated_at: now })
    .returningAll()
    .executeTakeFirstOrThrow()
  return projectOf(row)
}

/** A project of the account; its oldest where none is named. */
export async function requireProject({ db }: Work, accountId: string, id: string | undefined): Promise<ProjectRow> {
  const mine = db.selectFrom('projects').selectAll().where('account_id', '=', accountId)
  const found = await (id === undefined
    ? mine.orderBy('created_at').orderBy('id')
    : mine.where('id', '=', id)
  ).executeTakeFirst()
  if (!found) throw noProject(id ?? '')
  return found
}

const noProject = (id: string) => new Failure('not_found', { what: 'project', id })
