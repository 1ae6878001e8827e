import type { FileEntry } from '../../core/model.ts'
import type { Allowance } from '../../core/request-links.ts'
import type { Reply } from '../door.ts'
import { type Html, html } from '../html.ts'
import { counted, sizeInWords, timeInWords } from '../words.ts'
import { card, linkPage } from './pages/layout.ts'

/** A form for files, which says nothing but how much may be sent and until when. @param problem of what was sent before. */
export function requestPage(allowed: Allowance, problem?: string): Reply {
  if (isFull(allowed)) return fullPage()
  const body = html`${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<ul class="told">
${termsOf(allowed).map((term) => html`<li>${term}</li>`)}
</ul>
<form method="post" enctype="multipart/form-data">
<label for="file">Files</label>
<input id="file" name="file" type="file" multiple required>
<button>Send</button>
</form>
<p class="hint">Others who have this link do not see what you send.</p>`
  return linkPage('Send files', card('Send files', body), problem === undefined ? {} : { status: 403 })
}

const isFull = ({ files, bytes }: Allowance): boolean => files === 0 || bytes === 0

function termsOf({ files, bytes, fileBytes, expiresAt }: Allowance): string[] {
  return [
    ...(files === null ? [] : [`${counted(files, 'file')} at most`]),
    ...(bytes === null ? [] : [`${sizeInWords(bytes)} in all`]),
    ...(bytes !== null && bytes <= fileBytes ? [] : [`${sizeInWords(fileBytes)} for each file`]),
    `until ${timeInWords(expiresAt)} UTC`,
  ]
}

/** Nothing more may come by this link. */
function fullPage(): Reply {
  const body = html`<p>There is no room left for this. Ask whoever gave you the link for another.</p>`
  return linkPage('No room left', card('No room left', body), { status: 403 })
}

/** What was taken, by the names that were sent. */
export function receivedPage(files: readonly FileEntry[], left: Allowance): Reply {
  const body = html`<ul class="told">
${files.map((file): Html => html`<li>${file.name} (${sizeInWords(file.size)})</li>`)}
</ul>
${!isFull(left) && html`<p><a href="">Send more</a></p>`}`
  return linkPage('Received', card('Received, thank you', body), { status: 201 })
}
