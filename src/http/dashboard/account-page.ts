import type { Caller } from '../../core/caller.ts'
import type { Usage as MonthUsage } from '../../core/catalogue.ts'
import type { Totals } from '../../core/model.ts'
import { grouped } from '../../core/text.ts'
import { type Html, html, type Value } from '../html.ts'
import { dayInWords, sizeInWords } from '../words.ts'
import { amount, fact } from './controls.ts'
import { formPage, type Problem } from './failures.ts'
import { newPasswordField, passwordField } from './fields.ts'
import { noticeOf, problemOf } from './notices.ts'
import type { Page, Visit } from './visit.ts'

/** What an account holds, and what was done with it since the month began. */
export interface AccountUse {
  readonly totals: Totals
  readonly month: MonthUsage
}

export function accountPage(visit: Visit, caller: Caller, use: AccountUse, problem?: Problem): Page {
  const body = html`<h1 id="account">Account</h1>
${noticeOf(visit)}
${about(visit, caller)}
${inUse(visit, caller, use.totals)}
${thisMonth(visit, caller, use.month)}
${passwordForm(visit, caller, problem)}`
  return formPage('Account', body, problem, { section: 'account' })
}

function about({ core }: Visit, { account }: Caller): Html {
  return html`<section class="card">
<dl class="roomy">
${account.email !== null && fact('E-mail address', account.email)}
${account.actor !== null && fact('Name of its actor', account.actor)}
${fact('Account since', dayInWords(account.createdAt))}
${fact('Plan', core.plans.of(account).name)}
${trial(core.plans.accessUntil(account), core.clock.now())}
</dl>
</section>`
}

function trial(until: number | null, now: number): Value {
  if (until === null) return undefined
  if (until > now) return fact('Files can be changed', html`until ${dayInWords(until)}`)
  return fact('Files can be changed', html`<strong>no more since ${dayInWords(until)}</strong>; what is stored stays`)
}

function inUse({ core }: Visit, { account }: Caller, { filesBelow, bytesBelow }: Totals): Html {
  const { bytes, files } = core.plans.quotaOf(account)
  return html`<section class="card" aria-labelledby="in-use">
<h2 id="in-use">In use</h2>
<dl class="roomy">
${fact('Storage', limited(bytesBelow, bytes, sizeInWords, 'Storage in use'))}
${fact('Files', limited(filesBelow, files, grouped, 'Files in use'))}
${fact('Largest file that is taken', sizeInWords(core.plans.maxUploadOf(account)))}
</dl>
</section>`
}

function thisMonth({ core }: Visit, { account }: Caller, { bytesSent, originReads, imageOps }: MonthUsage): Html {
  const plan = core.plans.of(account)
  return html`<section class="card" aria-labelledby="month">
<h2 id="month">This month</h2>
<dl class="roomy">
${fact('Sent', sizeInWords(bytesSent))}
${fact('Files opened', limited(originReads, plan.originReads, grouped, 'Files opened'))}
${fact('Pictures made in other sizes', limited(imageOps, plan.imageOps, grouped, 'Pictures made'))}
</dl>
<p class="hint">A month begins on its first day in UTC.</p>
</section>`
}

function limited(used: number, limit: number | null, inWords: (amount: number) => string, label: string): Html {
  return html`${amount(used, limit, inWords, label)}${limit === null && ', without a limit'}`
}

function passwordForm({ base }: Visit, { account }: Caller, problem: Problem | undefined): Html {
  return html`<section class="card" aria-labelledby="password">
<h2 id="password">Change your password</h2>
${problemOf(problem)}
<form class="slim" method="post" action="${base}/app/account#password">
<input type="email" value="${account.email}" autocomplete="username" aria-label="E-mail address" hidden>
${passwordField({ name: 'old_password', label: 'Password that you have now' })}
${newPasswordField({ name: 'new_password', label: 'New password' })}
<button class="primary">Change password</button>
</form>
<p class="hint">This signs you out everywhere else. API keys stay as they are.</p>
</section>`
}
