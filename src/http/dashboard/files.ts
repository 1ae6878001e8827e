import type { Caller } from '../../core/caller.ts'
import { invalid } from '../../core/failure.ts'
import { descriptionFrom, tagsFrom } from '../../core/labels.ts'
import { type FileList, filesPage } from './files-page.ts'
import { type Answer, leave, type Visit } from './visit.ts'

const filesPerPage = 50

export async function showFiles(visit: Visit, caller: Caller): Promise<Answer> {
  const { core, query } = visit
  const number = pageNumber(query.get('page'))
  const place = { limit: filesPerPage, offset: (number - 1) * filesPerPage }
  const { files, total } = await core.files.list(caller, undefined, place)
  const last = Math.max(1, Math.ceil(total / filesPerPage))
  // Whoever deletes the only file of the last page is led to what is the last page then.
  if (number > last) return leave(`/app/?${withPage(query, last)}`)
  const [paths, totals] = await Promise.all([core.files.paths(files), core.usage.totals(caller)])
  const list: FileList = { files, paths, number, last, totals }
  return filesPage(visit, caller, list)
}

export async function storeFiles(visit: Visit, caller: Caller): Promise<Answer> {
  await visit.count('upload', `account ${caller.account.id}`)
  const { upload, fields } = await visit.form(caller)
  const files = await upload.publish(undefined, {
    description: descriptionFrom(fields.get('description') ?? ''),
    tags: tagsFrom((fields.get('tags') ?? '').split(',')),
    // A box that is not ticked is not sent at all.
    isPublic: fields.get('public') === 'on',
  })
  return leave(`/app/?stored=${files.length}`)
}

/** A file's bytes for its owner, private or not: no cookie opens the doors' own download. */
export async function download({ core, params }: Visit, caller: Caller): Promise<Answer> {
  return { kind: 'file', file: await core.files.find(caller, params.id ?? '') }
}

export async function deleteFile(visit: Visit, caller: Caller): Promise<Answer> {
  const fields = await visit.fields()
  const number = pageNumber(fields.get('page'))
  await visit.core.files.remove(caller, visit.params.id ?? '')
  return leave(`/app/?${withPage(new URLSearchParams({ notice: 'deleted' }), number)}`)
}

/** Makes a file public or private, and leads back to its row: on a phone it may be far down. */
export async function publishFile(visit: Visit, caller: Caller): Promise<Answer> {
  const fields = await visit.fields()
  const number = pageNumber(fields.get('page'))
  const wish = fields.get('public')
  if (wish !== 'on' && wish !== 'off') throw invalid('public', 'a file is made public ("on") or private ("off")')
  const { fileId, isPublic } = await visit.core.files.update(caller, visit.params.id ?? '', { isPublic: wish === 'on' })
  const query = withPage(new URLSearchParams({ notice: isPublic ? 'public' : 'private' }), number)
  return leave(`/app/?${query}#file-${fileId}`)
}

function pageNumber(sent: string | null): number {
  if (sent === null) return 1
  if (!/^[1-9]\d{0,8}$/.test(sent)) throw invalid('page', 'a page is a whole number from 1 on')
  return Number(sent)
}

function withPage(query: URLSearchParams, number: number): URLSearchParams {
  const changed = new URLSearchParams(query)
  changed.delete('page')
  if (number > 1) changed.set('page', String(number))
  return changed
}
