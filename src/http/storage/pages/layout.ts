import { createHash } from 'node:crypto'
import { type AnyFailure, isFailure } from '../../../core/failure.ts'
import { type OpenCall, page, type Reply } from '../../door.ts'
import { failureHeaders } from '../../failure-headers.ts'
import { textOf } from '../../failure-texts.ts'
import { type Html, html } from '../../html.ts'
import { iconWithin } from '../../icon.ts'
import { wantsHtml } from '../../wants.ts'
import { sentence } from '../../words.ts'
import { failure as failureOf } from '../failures.ts'

/** The dashboard's looks, for pages that carry all that they need in themselves. */
const style = `
:root {
  --ground: #f5f4ef; --surface: #fff; --sunken: #f0efe8; --line: #dcdad0; --edge: #858b86;
  --text: #1c211e; --soft: #58605b; --accent: #1d6b50; --on-accent: #fff; --wash: #e3f0ea;
  --danger: #a3261f; --danger-wash: #fbe9e7; --shade: 0 1px 2px rgb(0 0 0 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121514; --surface: #1b1f1d; --sunken: #252a27; --line: #333a36; --edge: #7c857f;
    --text: #e7ebe8; --soft: #a4ada8; --accent: #68c9a3; --on-accent: #0c1f17; --wash: #1d3229;
    --danger: #ff9a8f; --danger-wash: #3a1f1c; --shade: none;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { padding: .5rem max(1rem, calc((100% - 52rem) / 2 + 1rem)); background: var(--surface); border-bottom: 1px solid var(--line); }
header span { display: inline-flex; align-items: center; min-height: 2.75rem; font-weight: 650; font-size: 1.125rem; }
main { max-width: 52rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: .75rem; padding: 1.125rem; margin: 0 0 1.25rem; box-shadow: var(--shade); }
.card > :last-child, .card form > :last-child { margin-bottom: 0; }
.narrow { max-width: 26rem; margin: 1rem auto; }
.empty { color: var(--soft); text-align: center; padding: 2rem 1.25rem; border-style: dashed; box-shadow: none; }
.hint, .facts { color: var(--soft); font-size: .875rem; }
.problem { padding: .7rem 1rem; border-radius: .5rem; border-left: 4px solid var(--danger); background: var(--danger-wash); }
.told { margin: 0 0 .75rem; padding-left: 1.25rem; color: var(--soft); }
label { display: block; font-weight: 550; font-size: .9375rem; margin: .75rem 0 .3rem; }
input, button, .button { font: inherit; color: inherit; }
input { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--surface); }
input[type=file] { min-height: 5rem; padding: 1.25rem 1rem; border-style: dashed; background: var(--sunken); cursor: pointer; }
::file-selector-button { font: inherit; font-weight: 550; margin-right: .75rem; min-height: 2.5rem; padding: .25rem .9rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--surface); color: var(--text); cursor: pointer; }
button, .button { display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem; padding: .25rem 1.4rem; border: 1px solid var(--accent); border-radius: .5rem; background: var(--accent); color: var(--on-accent); font-size: .9375rem; font-weight: 550; text-decoration: none; cursor: pointer; }
button { margin-top: 1rem; }
form + .hint { margin-top: 1rem; }
button:hover, .button:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
.headline { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem; margin-bottom: 1rem; }
.headline h1 { margin: 0; }
.files { list-style: none; margin: 0 0 .75rem; padding: 0; background: var(--surface); border: 1px solid var(--line); border-radius: .75rem; box-shadow: var(--shade); }
.files li { padding: .75rem 1rem; }
.files li + li { border-top: 1px solid var(--line); }
.files a { font-weight: 600; color: var(--text); overflow-wrap: anywhere; text-decoration-color: var(--edge); }
.files p { margin: .1rem 0 0; }
@media (min-width: 44rem) { main { padding: 1.5rem 1rem 3rem; } .narrow { margin-top: 3rem; padding: 1.75rem; } }
`

/** The style is named by its hash, so that nothing else that got into a page could be one; and there are no scripts at all. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The address is a secret: it must not travel on, and be found by nobody. */
const pageHeaders = { 'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex, nofollow' }

/** A page for whoever comes by a link. */
export function linkPage(
  title: string,
  body: Html,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Reply {
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${title} · Larder</title>
${iconWithin}
<style>${html.raw(style)}</style>
</head>
<body>
<header><span>Larder</span></header>
<main>
${body}
</main>
</body>
</html>
`
  return page(text.text, policy, { ...more, headers: { ...pageHeaders, ...more.headers } })
}

/** A small page's one card. */
export function card(heading: string, content: Html): Html {
  return html`<section class="card narrow">
<h1>${heading}</h1>
${content}
</section>`
}

/** How a failure is told on a page: its status, its words, and its headers. (No browser is to ask for a password by itself.) */
export function toldOf(failure: AnyFailure) {
  const { 'WWW-Authenticate': _, ...headers } = failureHeaders(failure)
  return { status: failureOf(failure).status, text: sentence(textOf(failure)), headers }
}

/** Whether whoever calls looks at pages. */
export function isVisitor({ request }: Pick<OpenCall, 'request'>): boolean {
  return wantsHtml(request.headers.accept)
}

/** A failure as a page, for those who look at pages. @throws the error itself to all others, and what is no failure. */
export function failurePage(call: Pick<OpenCall, 'request'>, error: unknown): Reply {
  if (!isFailure(error) || !isVisitor(call)) throw error
  const { status, text, headers } = toldOf(error)
  const heading = status === 401 ? 'This link does not work' : status === 404 ? 'Nothing here' : 'This did not work'
  return linkPage(heading, card(heading, html`<p>${text}</p>`), { status, headers })
}
