import { isFailure } from '../../../core/failure.ts'
import type { PathEntry } from '../../../core/model.ts'
import { isFolderPath, lastSegment } from '../../../core/paths.ts'
import type { OpenShare } from '../../../core/shares.ts'
import { found, json, type OpenCall, type Reply, seeOther } from '../../door.ts'
import { cursorOf } from '../cursor.ts'
import { downloadPage, folderPage, passwordPage } from '../share-pages.ts'
import { entryView } from '../views.ts'
import { zipReply } from '../zip.ts'
import { failurePage, isVisitor, toldOf } from './layout.ts'
import { type At, passCookie, placeOf, requirePass, tryPassword } from './pass.ts'

/** What a visit may ask for, beside its path. */
export interface Asked {
  readonly zip: boolean
  readonly cursor?: Parameters<OpenCall['core']['shares']['level']>[2]
}

type ShareCall = OpenCall<unknown, undefined, Asked>

/** What is at a link's address. Nothing of it is told before the password. */
export async function visit(call: ShareCall): Promise<Reply> {
  try {
    const at = placeOf(call)
    const open = await call.core.shares.open(at.token)
    await requirePass(call, open)
    const entry = await entryAt(call, open, at)
    return entry ? await answer(call, open, at, entry) : found(withSlash(call))
  } catch (error) {
    return refused(call, error)
  }
}

/** A link's form: its password, or where none is asked for the download itself. */
export async function send(call: ShareCall): Promise<Reply> {
  try {
    const at = placeOf(call)
    const open = await call.core.shares.open(at.token)
    const fields = await call.fields()
    const password = fields.get('password')
    if (open.share.hasPassword && password !== null) {
      await tryPassword(call, open, password)
      const headers = { 'Set-Cookie': await passCookie(call, open, at) }
      return { kind: 'redirect', status: 303, to: here(call), headers }
    }
    await requirePass(call, open)
    const entry = await entryAt(call, open, at)
    if (!entry || !isDownload(call, entry)) return seeOther(here(call))
    return await download(call, open, entry)
  } catch (error) {
    return refused(call, error)
  }
}

/** Failures as who calls reads them. The password is asked for by a form, where there is somebody to fill it in. */
function refused(call: ShareCall, error: unknown): Reply {
  const isPassword =
    isFailure(error) && error.code === 'unauthenticated' && error.detail.reason.endsWith('share_password')
  if (!isPassword || !isVisitor(call)) return failurePage(call, error)
  return passwordPage(call.request.method === 'POST' ? toldOf(error) : undefined)
}

/**
 * What a visit is about. Undefined where it is a folder that was named without its slash.
 * @throws Failure `not_found`, `invalid`.
 */
async function entryAt({ core }: ShareCall, open: OpenShare, { below }: At): Promise<PathEntry | undefined> {
  const shared = await core.shares.entry(open)
  if (below === undefined) return shared.file ? shared : undefined
  if (below === '' && !shared.file) return shared
  try {
    return await core.shares.entryBelow(open, shared, below)
  } catch (error) {
    const mayBeFolder = isFailure(error) && error.code === 'not_found' && !isFolderPath(below)
    if (!mayBeFolder) throw error
    await core.shares.entryBelow(open, shared, `${below}/`)
    return undefined
  }
}

/** Whether this is about bytes, and not about a list. */
const isDownload = ({ query }: ShareCall, { file }: PathEntry): boolean => file !== null || query.zip

async function answer(call: ShareCall, open: OpenShare, at: At, entry: PathEntry): Promise<Reply> {
  if (!isDownload(call, entry)) return list(call, open, at, entry)
  const { shares } = call.core
  // HEAD is no download, and gives none away: the address of one is good by itself.
  const isButton = shares.isLimited(open) && (isVisitor(call) || call.request.method === 'HEAD')
  if (!isButton) return download(call, open, entry)
  shares.requireDownloadsLeft(open)
  return downloadPage(open, entry)
}

/** The download, counted. */
async function download(call: ShareCall, open: OpenShare, entry: PathEntry): Promise<Reply> {
  const { core, request, context, basePath } = call
  if (!entry.file) await core.archives.requireReadsLeft(open.share.accountId)
  if (request.method !== 'HEAD') await core.shares.countDownload(open)
  if (!entry.file) {
    const start = { accountId: open.share.accountId, folder: entry }
    return zipReply(call, lastSegment(entry.path), start)
  }
  const address = await core.shares.address(open, entry.path, entry.file)
  // A form may lead nowhere else than to where it was sent to, whatever name that has.
  return request.method === 'POST' ? seeOther(basePath + address) : found(context.baseUrl + address)
}

async function list(call: ShareCall, open: OpenShare, at: At, folder: PathEntry): Promise<Reply> {
  const { entries, more } = await call.core.shares.level(open, folder, call.query.cursor)
  const last = entries.at(-1)
  const cursor = more && last ? cursorOf(last) : null
  const path = at.below ?? ''
  if (isVisitor(call)) return folderPage(open, { path, folder, entries, cursor })
  const shown = entries.map((entry) => {
    const { name, type, size, updated_at } = entryView(entry)
    return { name, type, size, updated_at }
  })
  return json({ path, entries: shown, cursor })
}

const here = ({ basePath, context }: ShareCall): string => basePath + context.path + context.search

const withSlash = ({ basePath, context }: ShareCall): string => `${basePath}${context.path}/${context.search}`
