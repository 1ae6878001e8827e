import type { Caller } from '../../core/caller.ts'
import type { FileEntry, Totals } from '../../core/model.ts'
import { splitExtension } from '../../core/names.ts'
import { type Html, html } from '../html.ts'
import { counted, sizeInWords, timeInWords } from '../words.ts'
import { amount, asking, linkField } from './controls.ts'
import { noticeOf } from './notices.ts'
import { type Page, page, type Visit } from './visit.ts'

/** A page of the list. */
export interface FileList {
  readonly files: readonly FileEntry[]
  /** Where each lies, by its handle. */
  readonly paths: ReadonlyMap<string, string>
  readonly number: number
  readonly last: number
  readonly totals: Totals
}

/** Twice the side it is shown at, for the screens that phones have. */
const previewQuery = 'width=160&height=160&format=auto'

export function filesPage(visit: Visit, caller: Caller, list: FileList): Page {
  const body = html`<h1 class="hidden">Files</h1>
${noticeOf(visit)}
${uploadForm(visit, caller)}
<section aria-labelledby="files">
<div class="headline"><h2 id="files">Your files</h2>${usage(visit, caller, list.totals)}</div>
${list.files.length > 0 ? rows(visit, list) : nothingYet}
${list.last > 1 && pager(visit, list)}
</section>`
  return page('Files', body, { section: 'files', hasCopies: list.files.some((file) => file.isPublic) })
}

function uploadForm({ base, core }: Visit, { account }: Caller): Html {
  return html`<section class="card" aria-labelledby="upload">
<h2 id="upload">Upload</h2>
<form method="post" action="${base}/app/upload" enctype="multipart/form-data">
<label for="file">Files, up to ${sizeInWords(core.plans.maxUploadOf(account))} each</label>
<input id="file" name="file" type="file" multiple required>
<label class="tick"><input name="public" type="checkbox" value="on" checked> Public: whoever has the link can open them</label>
<details>
<summary>Description and tags</summary>
<label for="description">Description</label>
<input id="description" name="description" type="text" maxlength="4096">
<label for="tags">Tags, with commas between them</label>
<input id="tags" name="tags" type="text">
</details>
<button class="primary">Upload</button>
</form>
</section>`
}

function usage({ core }: Visit, { account }: Caller, { filesBelow, bytesBelow }: Totals): Html {
  const { bytes } = core.plans.quotaOf(account)
  return html`<p class="usage">${counted(filesBelow, 'file')}, ${amount(bytesBelow, bytes, sizeInWords, 'Room used')}</p>`
}

const nothingYet = html`<p class="card empty">Nothing here yet. What you upload, or a program stores with an API key, is listed here.</p>`

function rows(visit: Visit, { files, paths, number }: FileList): Html {
  return html`<ul class="files">
${files.map((file) => row(visit, file, paths.get(file.fileId), number))}
</ul>
<p class="hint">Newest first. Times are in UTC.</p>`
}

function row(visit: Visit, file: FileEntry, path: string | undefined, number: number): Html {
  const { base, context } = visit
  const at = new Date(file.createdAt).toISOString()
  const open = file.isPublic ? `${base}/m/${file.fileId}` : `${base}/app/files/${file.fileId}/download`
  return html`<li class="file" id="file-${file.fileId}">
${preview(visit, file)}
<div class="about">
<a class="name" href="${open}">${file.name}</a>
${path !== undefined && path !== file.name && html`<p class="facts">${path}</p>`}
<p class="facts">${sizeInWords(file.size)} · <time datetime="${at}">${timeInWords(file.createdAt)}</time> · <span class="badge${file.isPublic && ' public'}">${file.isPublic ? 'Public' : 'Private'}</span></p>
${file.description !== '' && html`<p class="description">${file.description}</p>`}
${file.tags.length > 0 && html`<p class="tags">${file.tags.map((tag) => html`<span class="tag">${tag}</span> `)}</p>`}
</div>
<div class="more">
${file.isPublic && linkField(`${context.baseUrl}/m/${file.fileId}`, `Link to ${file.name}`)}
<div class="actions">
<a class="button" href="${base}/app/files/${file.fileId}/download">Download<span class="hidden"> ${file.name}</span></a>
${publicity(base, file, number)}
${deletion(base, file, number)}
</div>
</div>
</li>
`
}

/** What can be taken back needs no question. */
function publicity(base: string, { fileId, name, isPublic }: FileEntry, number: number): Html {
  const [value, word] = isPublic ? ['off', 'Make private'] : ['on', 'Make public']
  return html`<form method="post" action="${base}/app/files/${fileId}/public">
<input name="page" type="hidden" value="${number}">
<button name="public" value="${value}">${word}<span class="hidden"> ${name}</span></button>
</form>`
}

function deletion(base: string, { fileId, name, isPublic }: FileEntry, number: number): Html {
  return asking({
    word: 'Delete',
    to: name,
    action: `${base}/app/files/${fileId}/delete`,
    question: `Delete this file for good?${isPublic ? ' Links to it stop working.' : ''}`,
    fields: html`<input name="page" type="hidden" value="${number}">`,
  })
}

/** A small picture where `/m` makes one; on other files, and under it until it is there, the extension. */
function preview({ base, core, request }: Visit, file: FileEntry): Html {
  const { extension } = splitExtension(file.name)
  const word = /^\.[a-z0-9]{1,5}$/i.test(extension) ? extension.slice(1).toUpperCase() : 'FILE'
  const recipe = file.isPublic && core.media.recipe(file, new URLSearchParams(previewQuery), request.headers.accept)
  return html`<span class="preview" aria-hidden="true">${word}${
    recipe && html`<img src="${base}/m/${file.fileId}?${previewQuery}" alt="" width="80" height="80" loading="lazy">`
  }</span>`
}

function pager({ base }: Visit, { number, last }: FileList): Html {
  const link = (to: number, text: string, rel: string): Html =>
    html`<a class="button" rel="${rel}" href="${base}/app/${to > 1 && `?page=${to}`}">${text}</a>`
  return html`<nav class="pager" aria-label="Pages">
<span>${number > 1 && link(number - 1, 'Newer', 'prev')}</span>
<span>Page ${number} of ${last}</span>
<span>${number < last && link(number + 1, 'Older', 'next')}</span>
</nav>`
}
