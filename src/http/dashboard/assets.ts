import { createHash } from 'node:crypto'
import { iconText } from '../icon.ts'

/** What pages are made of beside their text. */
export interface Asset {
  /** Below the base path. */
  readonly path: string
  readonly type: string
  readonly text: string
  /** Part of its address in pages, so that it may be kept for ever and a new one is asked for at once. */
  readonly version: string
}

const sha256 = (text: string) => createHash('sha256').update(text)

function asset(path: string, type: string, text: string): Asset {
  return { path, type, text, version: sha256(text).digest('hex').slice(0, 12) }
}

export function addressOf({ path, version }: Asset, base: string): string {
  return `${base}${path}?v=${version}`
}

export function assetHeaders({ type, version }: Asset, query: URLSearchParams): Record<string, string> {
  const isCurrent = query.get('v') === version
  return {
    'Content-Type': type,
    'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache',
    'Content-Security-Policy': "default-src 'none'; sandbox",
  }
}

/**
 * Puts a button beside each text to copy. The clipboard's own interface is missing on plain HTTP, where the old command
 * does; where that fails too, the text stands selected. Without this script the text can be selected by hand.
 */
export const copyScript = `
'use strict'
for (const field of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.addEventListener('click', async () => {
    button.textContent = (await copy(field)) ? 'Copied' : 'Selected'
    setTimeout(() => { button.textContent = 'Copy' }, 2000)
  })
  field.addEventListener('focus', () => field.select())
  field.after(button)
}
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    field.focus()
    field.setSelectionRange(0, field.value.length)
    return document.execCommand('copy')
  }
}
`

/** The script's name in a Content-Security-Policy. */
export const copyScriptHash = `sha256-${sha256(copyScript).digest('base64')}`

export const icon = asset('/app/icon.svg', 'image/svg+xml', iconText)

export const style = asset(
  '/app/style.css',
  'text/css; charset=utf-8',
  `
:root {
  --ground: #f5f4ef; --surface: #fff; --sunken: #f0efe8; --line: #dcdad0; --edge: #858b86;
  --text: #1c211e; --soft: #58605b; --accent: #1d6b50; --on-accent: #fff; --wash: #e3f0ea;
  --danger: #a3261f; --on-danger: #fff; --danger-wash: #fbe9e7; --shade: 0 1px 2px rgb(0 0 0 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121514; --surface: #1b1f1d; --sunken: #252a27; --line: #333a36; --edge: #7c857f;
    --text: #e7ebe8; --soft: #a4ada8; --accent: #68c9a3; --on-accent: #0c1f17; --wash: #1d3229;
    --danger: #ff9a8f; --on-danger: #2b0a07; --danger-wash: #3a1f1c; --shade: none;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 .75rem; }
h2 { font-size: 1.125rem; line-height: 1.3; margin: 0; }
p { margin: 0 0 .75rem; }
a { color: var(--accent); text-underline-offset: .15em; }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--sunken); border-radius: .25rem; padding: .1em .35em; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: .75rem; background: var(--sunken); border-radius: .5rem; }
pre code { padding: 0; background: none; white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.bar { display: grid; grid-template: "brand leave" "nav who" / auto 1fr; align-items: center; gap: .25rem 1rem; padding: .5rem max(1rem, calc((100% - 52rem) / 2 + 1rem)); background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { grid-area: brand; display: inline-flex; align-items: center; gap: .55rem; min-height: 2.75rem; font-weight: 650; font-size: 1.125rem; color: var(--text); text-decoration: none; }
.brand img { display: block; }
.bar nav { grid-area: nav; display: flex; gap: .25rem; margin-left: -.75rem; }
.bar nav a { display: inline-flex; align-items: center; min-height: 2.5rem; padding: 0 .75rem; border-radius: .5rem; color: var(--soft); text-decoration: none; font-weight: 500; white-space: nowrap; }
.bar nav a:hover { color: var(--text); background: var(--sunken); }
.bar nav a[aria-current] { color: var(--accent); background: var(--wash); }
.leave { grid-area: leave; justify-self: end; }
.who { grid-area: who; justify-self: end; max-width: 100%; color: var(--soft); font-size: .875rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }

.card { background: var(--surface); border: 1px solid var(--line); border-radius: .75rem; padding: 1.125rem; margin: 0 0 1.25rem; box-shadow: var(--shade); }
.card > h2 { margin-bottom: .5rem; }
.card > :last-child, .card form > :last-child { margin-bottom: 0; }
.narrow { max-width: 26rem; margin: 1rem auto; }
.empty { color: var(--soft); text-align: center; padding: 2rem 1.25rem; border-style: dashed; box-shadow: none; }
.lead, .usage, .facts, .hint { color: var(--soft); }
.hint, .facts, .usage { font-size: .875rem; }
.notice, .problem { padding: .7rem 1rem; border-radius: .5rem; border-left: 4px solid var(--accent); background: var(--wash); }
.problem { border-color: var(--danger); background: var(--danger-wash); }

label, legend { display: block; font-weight: 550; font-size: .9375rem; margin: .75rem 0 .3rem; padding: 0; }
input, select, button, .button { font: inherit; color: inherit; }
input:not([type=checkbox]), select { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--surface); }
input[readonly] { background: var(--sunken); }
::placeholder { color: var(--soft); opacity: 1; }
input[type=file] { min-height: 5rem; padding: 1.25rem 1rem; border-style: dashed; background: var(--sunken); cursor: pointer; }
::file-selector-button { font: inherit; font-weight: 550; margin-right: .75rem; min-height: 2.5rem; padding: .25rem .9rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--surface); color: var(--text); cursor: pointer; }
input[type=checkbox] { width: 1.25rem; height: 1.25rem; margin: 0; flex: none; accent-color: var(--accent); }
.tick { display: flex; align-items: center; gap: .65rem; min-height: 2.5rem; margin: .4rem 0; line-height: 1.35; font-weight: 400; cursor: pointer; }
fieldset { border: 0; margin: 1rem 0 0; padding: 0; min-width: 0; }
button, .button { display: inline-flex; align-items: center; justify-content: center; min-height: 2.5rem; padding: .25rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--surface); color: var(--text); font-size: .9375rem; font-weight: 550; text-decoration: none; white-space: nowrap; cursor: pointer; }
button:hover, .button:hover { background: var(--sunken); }
.primary { min-height: 2.75rem; padding: .25rem 1.4rem; margin-top: 1rem; border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
.danger { border-color: var(--danger); background: var(--danger); color: var(--on-danger); }
.danger:hover { background: color-mix(in srgb, var(--danger) 88%, var(--text)); }
.quiet { border-color: transparent; background: none; color: var(--soft); padding: .25rem .6rem; margin-right: -.6rem; }
.wide { width: 100%; }
.slim { max-width: 26rem; }
form + .hint { margin-top: 1rem; }
.ways { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-top: .75rem; font-size: .9375rem; }
.ways a { display: inline-flex; align-items: center; min-height: 2.5rem; }
input + .hint { margin-top: .4rem; }
summary { cursor: pointer; }
form > details > summary { padding: .4rem 0; color: var(--accent); font-weight: 550; font-size: .9375rem; }

.headline { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .25rem 1rem; margin-bottom: .6rem; }
.usage { margin: 0; }
meter { width: 6rem; vertical-align: middle; margin-left: .4rem; }
.files, .keys { list-style: none; margin: 0 0 .75rem; padding: 0; }
.files { background: var(--surface); border: 1px solid var(--line); border-radius: .75rem; box-shadow: var(--shade); }
.file { display: grid; grid-template: "preview about" auto "more more" auto / 5rem 1fr; gap: .6rem .9rem; padding: 1rem; }
.file + .file { border-top: 1px solid var(--line); }
.preview { grid-area: preview; position: relative; width: 5rem; height: 5rem; display: grid; place-items: center; border-radius: .5rem; background: var(--sunken); color: var(--soft); font-size: .8125rem; font-weight: 650; letter-spacing: .03em; overflow: hidden; }
.preview img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.about { grid-area: about; min-width: 0; }
.more { grid-area: more; min-width: 0; }
.name { font-weight: 600; color: var(--text); overflow-wrap: anywhere; text-decoration-color: var(--edge); }
.facts, .description, .tags { margin: .15rem 0 0; overflow-wrap: anywhere; }
.badge { padding: .05rem .45rem; border-radius: .35rem; background: var(--sunken); font-weight: 550; white-space: nowrap; }
.badge.public { background: var(--wash); color: var(--accent); }
.tag { display: inline-block; padding: .05rem .5rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .8125rem; }
.copy { display: flex; gap: .5rem; margin-bottom: .6rem; }
.copy input { flex: 1; min-width: 0; min-height: 2.5rem; padding: .25rem .6rem; font: .8125rem ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--sunken); border-color: var(--line); }
.copy textarea { flex: 1; min-width: 0; padding: .6rem .75rem; border: 1px solid var(--accent); border-radius: .5rem; resize: none; background: var(--wash); color: inherit; font: 1rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; word-break: break-all; }
.copy button { min-width: 5.5rem; }
.actions { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem; }
.file:target { background: var(--wash); border-radius: .75rem; }
.actions .really { flex: 1; }
.really > summary { list-style: none; }
.really > summary::-webkit-details-marker { display: none; }
.really:not([open]) > summary { color: var(--danger); }
.really[open] .shut, .really:not([open]) .opened { display: none; }
.really form { max-width: 26rem; margin-top: .6rem; padding: .8rem 1rem; border-radius: .5rem; background: var(--danger-wash); }
.really p { margin-bottom: .6rem; }
.pager { display: flex; align-items: center; justify-content: space-between; margin: 1rem 0; color: var(--soft); }
.pager > span { min-width: 5rem; }
.pager > :last-child { text-align: right; }

dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .6rem 1rem; margin: 0 0 .9rem; }
dl.roomy { grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
dt { color: var(--soft); font-size: .8125rem; }
dd { margin: 0; font-size: .9375rem; overflow-wrap: anywhere; }
.key h2 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .6rem; margin-bottom: .6rem; overflow-wrap: anywhere; }
.key h2 code { font-weight: 400; color: var(--soft); }
@media (max-width: 28rem) { .who { display: none; } }
@media (min-width: 44rem) {
  main { padding: 1.5rem 1rem 3rem; }
  .bar { grid-template: "brand nav who leave" / auto auto 1fr auto; }
  .bar nav { margin: 0; }
  .file { grid-template: "preview about" auto "preview more" 1fr / 5rem 1fr; }
  .narrow { margin-top: 3rem; padding: 1.75rem; }
}
`,
)
