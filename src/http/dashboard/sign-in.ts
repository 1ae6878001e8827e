import type { Caller } from '../../core/caller.ts'
import { addressGroup } from '../address.ts'
import { html } from '../html.ts'
import { narrowCard } from './controls.ts'
import { formPage, mendable, type Problem } from './failures.ts'
import { emailField, passwordField } from './fields.ts'
import { noticeOf, problemOf } from './notices.ts'
import { type Answer, leave, type Page, type Visit } from './visit.ts'

export async function showSignIn(visit: Visit): Promise<Answer> {
  return (await visit.caller()) ? leave('/app/') : signInPage(visit, '')
}

export async function signIn(visit: Visit): Promise<Answer> {
  const fields = await visit.fields()
  const email = fields.get('email') ?? ''
  const password = fields.get('password') ?? ''
  try {
    await countAttempt(visit)
    const { token } = await visit.attempt(email, () => visit.core.access.logIn(email, password))
    return leave('/app/', token)
  } catch (error) {
    return signInPage(visit, email, mendable(error))
  }
}

export async function signOut(visit: Visit, caller: Caller): Promise<Answer> {
  await visit.core.access.logOut(caller)
  return leave('/app/sign-in?notice=out', null)
}

/** Counts a try of a password or a link, or a wish for a letter, by where it comes from. @throws Failure `rate_limited`. */
export function countAttempt({ count, context }: Visit): Promise<void> {
  return count('auth', `address ${addressGroup(context.address)}`)
}

function signInPage(visit: Visit, email: string, problem?: Problem): Page {
  const { base, core } = visit
  const content = html`${noticeOf(visit)}
${problemOf(problem)}
<form method="post" action="${base}/app/sign-in">
${emailField(email)}
${passwordField({ hasFocus: email !== '' })}
<button class="primary wide">Sign in</button>
</form>
<p class="ways"><a href="${base}/app/forgot">Forgot your password?</a>
${core.registration.isOpen && html`<a href="${base}/app/register">Register</a>`}</p>`
  return formPage('Sign in', narrowCard('Sign in', content), problem)
}
