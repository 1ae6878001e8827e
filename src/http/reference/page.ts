import { createHash } from 'node:crypto'
import { type Html, html } from '../html.ts'
import { iconWithin } from '../icon.ts'
import type { OpenApi, Operation } from './openapi.ts'
import { shapeOf } from './shape.ts'

const style = `
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --accent: #1d6b4f }
@media (prefers-color-scheme: dark) { :root { --accent: #6fcfa8 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word }
h1 { font-size: 1.6rem } h2 { display: inline; font-size: 1rem } h3 { font-size: .95rem; margin: 1rem 0 .3rem }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
summary { padding: .6rem .8rem; cursor: pointer }
summary p { margin: .2rem 0 0; font-size: .9rem }
details > div { padding: 0 .8rem .8rem; border-top: 1px solid var(--line) }
code, pre { font: .875rem/1.45 ui-monospace, monospace }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .6rem; border-radius: .4rem; overflow-x: auto }
.method { font-weight: 700; color: var(--accent) }
a { color: var(--accent) }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line) }
th code { white-space: nowrap }
td:last-child { width: 100%; overflow-wrap: anywhere } td div + div { margin-top: .2rem }
.open { font-size: .75rem; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; margin-left: .5rem; white-space: nowrap }
`
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** An OpenAPI document for people: no script, and nothing from elsewhere. */
export function referencePage(document: OpenApi, baseUrl: string): { html: string; policy: string } {
  const [server] = document.servers
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · Larder</title>
${iconWithin}
${styleElement()}
</head>
<body>
<h1>API reference</h1>
<p>${document.info.description}</p>
<p>Base address: <code>${server?.url}</code>. Sign with <code>Authorization: Bearer …</code>, an API key or the access token of a log-in; a key may also come as <code>X-Api-Key</code>. Also as <a href="${baseUrl}/reference/openapi.json">OpenAPI 3.0</a>, and <a href="${baseUrl}/reference/for-agents">in short</a>.</p>
${operations.map((one) => operationHtml(one, document))}
</body>
</html>
`
  return { html: page.text, policy }
}

const styleElement = (): Html => html.raw(`<style>${style}</style>`)

interface Shown {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

function operationHtml({ method, path, operation }: Shown, { servers, components }: OpenApi): Html {
  const isOpen = operation.security.length === 0
  return html`<details id="${operation.operationId}">
<summary><h2><span class="method">${method}</span> <code>${path}</code>${isOpen && html`<span class="open">no credential</span>`}</h2><p>${operation.summary}</p></summary>
<div>
${parametersHtml(operation)}
<h3>Example</h3>
<pre>${curl(method, path, operation, servers[0]?.url ?? '')}</pre>
${bodyHtml(operation, components)}
<h3>Answers</h3>
${answersHtml(operation)}
${answerHtml(operation, components)}
</div>
</details>
`
}

function parametersHtml({ parameters = [] }: Operation): Html | false {
  return (
    parameters.length > 0 &&
    html`<h3>Parameters</h3>
<table>${parameters.map(
      (one) =>
        html`<tr><th><code>${one.name}</code></th><td>${one.in}${one.required && ', required'}</td><td>${one.description}${
          'default' in one.schema && ` Default: ${one.schema.default}`
        }</td></tr>`,
    )}</table>`
  )
}

/** Each status, with the codes that come with it. */
function answersHtml({ responses }: Operation): Html {
  const rows = Object.entries(responses).map(([status, { description }]) => {
    const lines = description.split('\n').map((line) => /^`(\w+)`: (.*)$/.exec(line) ?? [line, '', line])
    const told = lines.map(([, code, text]) => html`<div>${code !== '' && html`<code>${code}</code> `}${text}</div>`)
    return html`<tr><th>${status}</th><td>${told}</td></tr>`
  })
  return html`<table>${rows}</table>`
}

function schemaHtml(title: string, content: unknown, components: object): Html | false {
  const schema = (content as Record<string, { schema?: unknown }> | undefined)?.['application/json']?.schema
  if (schema === undefined) return false
  return html`<h3>${title}</h3><pre>${shapeOf(schema as Record<string, unknown>, components as Record<string, unknown>)}</pre>`
}

const bodyHtml = ({ requestBody }: Operation, components: object) =>
  schemaHtml('Body', requestBody?.content, components)
const answerHtml = ({ responses }: Operation, components: object) =>
  schemaHtml(
    'Body of the answer',
    Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1].content,
    components,
  )

/** A line to paste: with the example's body, and places for what is the reader's own. */
function curl(method: string, path: string, operation: Operation, base: string): string {
  const { security, requestBody, parameters = [] } = operation
  const [type = '', content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  const isJson = type === 'application/json'
  const query = parameters.filter((one) => one.in === 'query' && one.example !== undefined)
  const asked = query.map((one) => `${one.name}=${one.example}`).join('&')
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase()) + (asked && `?${asked}`)
  const token = security.length === 1 ? '$ACCESS_TOKEN' : '$KEY'
  const lines = [
    `curl -X ${method} "${base}${address}"`,
    ...(security.length > 0 ? [`-H "Authorization: Bearer ${token}"`] : []),
    ...(isJson ? ['-H "Content-Type: application/json"', `-d '${JSON.stringify(content?.example)}'`] : []),
    ...(content && !isJson
      ? ['-H "Content-Type: image/png"', '-H "x-file-name: example.png"', '--data-binary @example.png']
      : []),
  ]
  return lines.join(' \\\n  ')
}
