import type { Caller } from '../../core/caller.ts'
import { Html, html } from '../html.ts'
import { addressOf, copyScript, copyScriptHash, icon, style } from './assets.ts'
import type { Page } from './visit.ts'

const sections = [
  { name: 'files', path: '/app/', title: 'Files' },
  { name: 'keys', path: '/app/keys', title: 'API keys' },
  { name: 'account', path: '/app/account', title: 'Account' },
] as const

/** The whole of a page. */
export function documentOf(page: Page, base: string, caller: Caller | undefined): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Larder</title>
<link rel="stylesheet" href="${addressOf(style, base)}">
<link rel="icon" type="image/svg+xml" href="${addressOf(icon, base)}">
</head>
<body>
<header class="bar">
<a class="brand" href="${base}/app/"><img src="${addressOf(icon, base)}" alt="" width="28" height="28">Larder</a>
${caller && navigation(page, base, caller)}
</header>
<main>
${page.body}
</main>
${page.hasCopies && new Html(`<script>${copyScript}</script>`)}
</body>
</html>
`
}

function navigation(page: Page, base: string, caller: Caller): Html {
  const links = sections.map(
    ({ name, path, title }) =>
      html`<a href="${base}${path}"${name === page.section && html` aria-current="page"`}>${title}</a>`,
  )
  return html`<nav aria-label="Sections">${links}</nav>
<span class="who" title="Signed in">${caller.account.email ?? caller.account.actor}</span>
<form class="leave" method="post" action="${base}/app/sign-out"><button class="quiet">Sign out</button></form>`
}

/**
 * The headers of a page. The one script is named by its own hash: were any script of our origin allowed, a file that
 * somebody uploaded would be one.
 */
export function headersOf(page: Page): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(page.hasCopies ? [`script-src '${copyScriptHash}'`] : []),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy.join('; '),
    // Not `no-referrer`, with which browsers send `Origin: null` and our own form could not be told from a stranger's.
    'Referrer-Policy': page.isSecretAddress ? 'strict-origin' : 'same-origin',
    ...page.headers,
  }
}
