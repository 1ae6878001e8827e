import { Failure } from '../../core/failure.ts'
import { html } from '../html.ts'
import { narrowCard } from './controls.ts'
import { formPage, mendable, type Problem } from './failures.ts'
import { emailField, newPasswordField } from './fields.ts'
import { problemOf } from './notices.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

export async function showRegister(visit: Visit): Promise<Answer> {
  if (!visit.core.registration.isOpen) throw new Failure('forbidden', { needs: 'open_registration' })
  return (await visit.caller()) ? leave('/app/') : registerPage(visit, '')
}

export async function register(visit: Visit): Promise<Answer> {
  const fields = await visit.fields()
  const email = fields.get('email') ?? ''
  try {
    await countAttempt(visit)
    await visit.core.registration.register(email, fields.get('password') ?? '')
    return leave('/app/register/sent')
  } catch (error) {
    return registerPage(visit, email, mendable(error))
  }
}

/** The same for everybody: whether an address has an account is told by letter, to its owner alone. */
export function registerSent({ base }: Visit): Page {
  const content = html`<p>A letter is on its way to the address that you gave. Follow the link in it: then you can sign in.</p>
<p class="hint">Nothing there after some minutes? Look in the spam folder, or <a href="${base}/app/register">register again</a>: the address may have been mistyped.</p>
<p><a class="button" href="${base}/app/sign-in">Sign in</a></p>`
  return page('Check your mail', narrowCard('Check your mail', content))
}

function registerPage({ base }: Visit, email: string, problem?: Problem): Page {
  const content = html`${problemOf(problem)}
<form method="post" action="${base}/app/register">
${emailField(email)}
${newPasswordField({ hasFocus: email !== '' })}
<button class="primary wide">Register</button>
</form>
<p class="ways"><a href="${base}/app/sign-in">Have an account? Sign in</a></p>`
  return formPage('Register', narrowCard('Register', content), problem)
}
