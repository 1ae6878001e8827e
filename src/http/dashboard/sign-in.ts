import type { Caller } from '../../core/caller.ts'
import { addressGroup } from '../address.ts'
import { html } from '../html.ts'
import { mendable, type Told } from './failures.ts'
import { noticeOf, problemOf } from './notices.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

export async function showSignIn(visit: Visit): Promise<Answer> {
  return (await visit.caller()) ? leave('/app/') : signInPage(visit, '')
}

export async function signIn(visit: Visit): Promise<Answer> {
  await countAttempt(visit)
  const fields = await visit.fields()
  const email = fields.get('email') ?? ''
  try {
    const password = fields.get('password') ?? ''
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

/** Counts a try of a password or a link by where it comes from. @throws Failure `rate_limited`. */
export function countAttempt({ count, context }: Visit): Promise<void> {
  return count('auth', `address ${addressGroup(context.address)}`)
}

function signInPage(visit: Visit, email: string, problem?: Told): Page {
  const body = html`<section class="card narrow">
<h1>Sign in</h1>
${noticeOf(visit.query)}
${problemOf(problem)}
<form method="post" action="${visit.base}/app/sign-in">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" value="${email}" autocomplete="username" required${email === '' && html` autofocus`}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${email !== '' && html` autofocus`}>
<button class="primary wide">Sign in</button>
</form>
<p class="hint">Password forgotten? Whoever runs this server can set a new one: <code>larder user password</code></p>
</section>`
  return page('Sign in', body, { status: problem?.status ?? 200 })
}
