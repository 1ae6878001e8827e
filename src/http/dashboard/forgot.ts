import { html } from '../html.ts'
import { narrowCard } from './controls.ts'
import { formPage, mendable, type Problem } from './failures.ts'
import { emailField } from './fields.ts'
import { problemOf } from './notices.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

export function showForgot(visit: Visit): Page {
  return forgotPage(visit, '')
}

export async function forgot(visit: Visit): Promise<Answer> {
  const email = (await visit.fields()).get('email') ?? ''
  try {
    await countAttempt(visit)
    await visit.core.registration.forgot(email)
    return leave('/app/forgot/sent')
  } catch (error) {
    return forgotPage(visit, email, mendable(error))
  }
}

/** The same whether anybody has an account there or not. */
export function forgotSent({ base }: Visit): Page {
  const content = html`<p>If there is an account with this address, a letter is on its way to it. The link in it works once, for one hour.</p>
<p class="hint">Nothing there after some minutes? Look in the spam folder, or <a href="${base}/app/forgot">ask again</a>: the address may have been mistyped, or be another than the account's. Whoever runs this server can set a new password, too: <code>larder user password</code></p>
<p><a class="button" href="${base}/app/sign-in">Sign in</a></p>`
  return page('Check your mail', narrowCard('Check your mail', content))
}

function forgotPage({ base }: Visit, email: string, problem?: Problem): Page {
  const content = html`<p>We send you a letter with a link, by which you choose a new one.</p>
${problemOf(problem)}
<form method="post" action="${base}/app/forgot">
${emailField(email)}
<button class="primary wide">Send the letter</button>
</form>
<p class="ways"><a href="${base}/app/sign-in">Back to the sign-in</a></p>`
  return formPage('Forgot your password?', narrowCard('Forgot your password?', content), problem)
}
