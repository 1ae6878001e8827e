import { html } from '../html.ts'
import { narrowCard } from './controls.ts'
import { formPage, mendable, type Problem } from './failures.ts'
import { emailField, newPasswordField } from './fields.ts'
import { holderOf, isLinkOver } from './links.ts'
import { problemOf } from './notices.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

/** The page behind a set-up link. */
export async function showSetUp(visit: Visit): Promise<Answer> {
  const token = visit.query.get('token') ?? ''
  return (await holderOf(visit, token, 'set-up')) ? setUpPage(visit, token, '') : overPage(visit)
}

export async function setUp(visit: Visit): Promise<Answer> {
  const fields = await visit.fields()
  const [token = '', email = '', password = ''] = ['token', 'email', 'password'].map((name) => fields.get(name) ?? '')
  try {
    await countAttempt(visit)
    const signedIn = await visit.core.registration.completeSetUp(token, email, password)
    return leave('/app/', signedIn.token)
  } catch (error) {
    return isLinkOver(error) ? overPage(visit) : setUpPage(visit, token, email, mendable(error))
  }
}

function setUpPage({ base }: Visit, token: string, email: string, problem?: Problem): Page {
  const content = html`<p>Choose what you will sign in with from now on.</p>
${problemOf(problem)}
<form method="post" action="${base}/app/set-up">
<input name="token" type="hidden" value="${token}">
${emailField(email)}
${newPasswordField()}
<button class="primary wide">Set up and sign in</button>
</form>`
  const body = narrowCard('Set up your account', content)
  return formPage('Set up your account', body, problem, { isSecretAddress: true })
}

function overPage({ base }: Visit): Page {
  const content = html`<p>A set-up link works once, for seven days. This one was used already, has expired, or was not copied whole.</p>
<p>Were you here before? <a href="${base}/app/sign-in">Sign in</a>. Otherwise whoever runs this server can make a new link:</p>
<p><code>larder user setup-link</code></p>`
  return page('This link is over', narrowCard('This link is over', content), { status: 404, isSecretAddress: true })
}
