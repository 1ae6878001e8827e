import type { Caller } from '../../core/caller.ts'
import { html } from '../html.ts'
import { narrowCard } from './controls.ts'
import { formPage, mendable, type Problem } from './failures.ts'
import { fixedEmailField, newPasswordField } from './fields.ts'
import { holderOf, isLinkOver } from './links.ts'
import { problemOf } from './notices.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

/** The page behind the link of a letter. */
export async function showReset(visit: Visit): Promise<Answer> {
  return resetPage(visit, visit.query.get('token') ?? '')
}

export async function reset(visit: Visit): Promise<Answer> {
  const fields = await visit.fields()
  const token = fields.get('token') ?? ''
  try {
    await countAttempt(visit)
    await visit.core.registration.completeReset(token, fields.get('password') ?? '')
    // Without whatever cookie there is: somebody else's would lead past the page that says what is done.
    return leave('/app/sign-in?notice=reset', null)
  } catch (error) {
    return isLinkOver(error) ? overPage(visit) : resetPage(visit, token, mendable(error))
  }
}

async function resetPage(visit: Visit, token: string, problem?: Problem): Promise<Page> {
  const holder = await holderOf(visit, token, 'reset')
  return holder ? choosePage(visit, token, holder, problem) : overPage(visit)
}

function choosePage({ base }: Visit, token: string, { account }: Caller, problem: Problem | undefined): Page {
  const content = html`${problemOf(problem)}
<form method="post" action="${base}/app/reset">
<input name="token" type="hidden" value="${token}">
${fixedEmailField(account.email ?? '')}
${newPasswordField({ label: 'New password', hasFocus: true })}
<button class="primary wide">Change the password</button>
</form>
<p class="hint">This signs you out everywhere. API keys stay as they are.</p>`
  const body = narrowCard('Choose a new password', content)
  return formPage('Choose a new password', body, problem, { isSecretAddress: true })
}

function overPage({ base }: Visit): Page {
  const content = html`<p>A link for a new password works once, for one hour. This one was used already, has expired, or was not copied whole.</p>
<p><a class="button" href="${base}/app/forgot">Ask for a new link</a></p>`
  return page('This link is over', narrowCard('This link is over', content), { status: 404, isSecretAddress: true })
}
