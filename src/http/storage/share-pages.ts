import type { PathEntry } from '../../core/model.ts'
import { lastSegment } from '../../core/paths.ts'
import type { OpenShare } from '../../core/shares.ts'
import type { Reply } from '../door.ts'
import { type Html, html } from '../html.ts'
import { counted, sizeInWords, timeInWords } from '../words.ts'
import { card, linkPage } from './pages/layout.ts'
import { entryView } from './views.ts'

/** What is told above a form that is shown once more. */
interface Problem {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/** Asks for the link's password, and says nothing of what it leads to. */
export function passwordPage(problem?: Problem): Reply {
  const body = html`${problem && html`<p class="problem" role="alert">${problem.text}</p>`}
<form method="post">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off" required autofocus>
<button>Open</button>
</form>`
  const { status = 401, headers = {} } = problem ?? {}
  return linkPage('Password', card('This link has a password', body), { status, headers })
}

/** The download behind a button: a program that looks where links lead does not press it. */
export function downloadPage({ share }: OpenShare, entry: PathEntry): Reply {
  const name = lastSegment(entry.path) + (entry.file ? '' : '.zip')
  const left = (share.maxDownloads ?? 0) - share.downloads
  const body = html`${entry.file && html`<p>${sizeInWords(entry.file.size)}</p>`}
<form method="post">
<button>Download</button>
</form>
<p class="hint">${counted(left, 'download')} left, until ${timeInWords(share.expiresAt)} UTC.</p>`
  return linkPage(name, card(name, body))
}

/** A page of a shared folder. */
export interface Level {
  /** Below what is shared; empty for that itself. */
  readonly path: string
  readonly folder: PathEntry
  readonly entries: readonly PathEntry[]
  /** Where the next page begins; null at the end. */
  readonly cursor: string | null
}

/** A shared folder, to be looked through. Links are relative, so that they hold under every name of the server. */
export function folderPage({ share }: OpenShare, { path, folder, entries, cursor }: Level): Reply {
  const name = lastSegment(folder.path)
  const body = html`<div class="headline">
<h1>${name}</h1>
<a class="button" href="?zip=1">Download all (zip)</a>
</div>
${path !== '' && html`<p><a href="../">Back to the folder above</a></p>`}
${entries.length > 0 ? html`<ul class="files">${entries.map(row)}</ul>` : html`<p class="card empty">Nothing here.</p>`}
${cursor !== null && html`<p><a href="?cursor=${cursor}" rel="next">More</a></p>`}
<p class="hint">This link is good until ${timeInWords(share.expiresAt)}. Times are in UTC.</p>`
  return linkPage(name, body)
}

function row(entry: PathEntry): Html {
  const { name, size, updated_at: at } = entryView(entry)
  // The dot: a name with a colon would be taken for an address of its own.
  const link = `./${encodeURIComponent(lastSegment(entry.path))}${entry.file ? '' : '/'}`
  return html`
<li><a href="${link}">${name}</a>
<p class="facts">${entry.file ? html`${sizeInWords(size)} · ` : ''}<time datetime="${new Date(at).toISOString()}">${timeInWords(at)}</time></p></li>`
}
