import { type Key, type Scope, scopes } from '../../core/model.ts'
import { type Html, html, type Value } from '../html.ts'
import { dayInWords, timeInWords } from '../words.ts'
import { asking, fact, secretField } from './controls.ts'
import { formPage, type Problem } from './failures.ts'
import { noticeOf, problemOf } from './notices.ts'
import { type MadeKey, type Page, page, type Visit } from './visit.ts'

/** The form for a key as it was filled in. */
export interface KeyForm {
  readonly name: string
  readonly scopes: readonly string[]
  readonly pathPrefix: string
  /** How long it lives; empty: for ever. */
  readonly days: string
}

export const emptyWish: KeyForm = { name: '', scopes: [], pathPrefix: '', days: '' }

export const lifetimes = [
  { days: '', title: 'Never' },
  { days: '30', title: 'In 30 days' },
  { days: '90', title: 'In 90 days' },
  { days: '365', title: 'In a year' },
] as const

const scopeTitles: Record<Scope, string> = {
  'files:read': 'list, search and download files',
  'files:write': 'upload, change and delete files',
  'user:read': 'read profile, statistics and usage',
}

type UsedKey = Key & { readonly lastUsedAt: number | null }

export function keysPage(visit: Visit, keys: readonly UsedKey[], form: KeyForm, problem?: Problem): Page {
  const body = html`<h1>API keys</h1>
<p class="lead">A key lets a program use your files without your password. Give each program its own, so that you can revoke one alone.</p>
${noticeOf(visit)}
${keys.length > 0 ? list(visit, keys) : html`<p class="card empty">No keys yet.</p>`}
${keyForm(visit, form, problem)}`
  return formPage('API keys', body, problem, { section: 'keys' })
}

function list(visit: Visit, keys: readonly UsedKey[]): Html {
  return html`<ul class="keys">
${keys.map((key) => row(visit, key))}
</ul>
<p class="hint">Newest first. Times are in UTC.</p>`
}

function row({ base }: Visit, key: UsedKey): Html {
  return html`<li class="card key">
<h2>${key.name === '' ? 'Without a name' : key.name} <code>${key.hint}…</code></h2>
${facts(key, fact('Last used', key.lastUsedAt === null ? 'never' : timeInWords(key.lastUsedAt)))}
${asking({
  word: 'Revoke',
  to: key.name,
  action: `${base}/app/keys/${key.id}/revoke`,
  question: 'Programs that use this key are refused from then on.',
})}
</li>
`
}

function facts(key: Key, more?: Html): Html {
  const { scopes: may, pathPrefix, createdAt } = key
  return html`<dl>
${fact('May', may?.map((scope) => html`<span class="tag">${scope}</span> `) ?? 'everything')}
${fact('Folder', pathPrefix === null ? 'all' : html`<code>${pathPrefix}</code>`)}
${fact('Made', dayInWords(createdAt))}
${fact('Expires', expiry(key))}
${more}
</dl>`
}

function expiry({ expiresAt }: Key): Value {
  if (expiresAt === null) return 'never'
  return expiresAt > Date.now() ? dayInWords(expiresAt) : html`<strong>over since ${dayInWords(expiresAt)}</strong>`
}

function keyForm({ base }: Visit, form: KeyForm, problem: Problem | undefined): Html {
  return html`<section class="card" aria-labelledby="make">
<h2 id="make">Make a key</h2>
${problemOf(problem)}
<form method="post" action="${base}/app/keys#make">
<label for="name">What it is for</label>
<input id="name" name="name" type="text" value="${form.name}" maxlength="255" required placeholder="Phone backup">
<fieldset>
<legend>What it may do (none ticked: everything)</legend>
${scopes.map((scope) => tick(scope, form.scopes.includes(scope)))}
</fieldset>
<label for="path_prefix">Only in this folder (empty: everywhere)</label>
<input id="path_prefix" name="path_prefix" type="text" value="${form.pathPrefix}" placeholder="photos/2026/" autocapitalize="none" spellcheck="false">
<label for="days">Expires</label>
<select id="days" name="days">
${lifetimes.map(({ days, title }) => html`<option value="${days}"${days === form.days && html` selected`}>${title}</option>`)}
</select>
<button class="primary">Make key</button>
</form>
</section>`
}

function tick(scope: Scope, isTicked: boolean): Html {
  return html`<label class="tick"><input name="scope" type="checkbox" value="${scope}"${isTicked && html` checked`}> <span><code>${scope}</code> ${scopeTitles[scope]}</span></label>
`
}

/** The one page that ever shows a key. */
export function keyPage({ base, context }: Visit, { text, key }: MadeKey): Page {
  const body = html`<h1 id="made">The key is made</h1>
<section class="card">
<p><strong>Copy it now: it is shown this once.</strong> Only its fingerprint is kept.</p>
${secretField(text, 'API key')}
${facts(key)}
<p class="hint">A program sends it with each request:</p>
<pre><code>curl -H "Authorization: Bearer $KEY" -F "file=@photo.jpg" ${context.baseUrl}/api/v1/files/upload</code></pre>
<p><a class="button" href="${base}/app/keys">Done</a></p>
</section>`
  return page('The key is made', body, { section: 'keys', hasCopies: true })
}
