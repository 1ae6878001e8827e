import { isFailure } from '../../core/failure.ts'
import { passwordLimits } from '../../core/passwords.ts'
import { html } from '../html.ts'
import { mendable, type Told } from './failures.ts'
import { problemOf } from './notices.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Page, page, type Visit } from './visit.ts'

/** The page behind a set-up link. Looking at it uses nothing up: mail programs and messengers look ahead. */
export async function showSetUp(visit: Visit): Promise<Answer> {
  const token = visit.query.get('token') ?? ''
  return (await isGood(visit, token)) ? setUpPage(visit, token, '') : overPage(visit)
}

export async function setUp(visit: Visit): Promise<Answer> {
  await countAttempt(visit)
  const fields = await visit.fields()
  const [token = '', email = '', password = ''] = ['token', 'email', 'password'].map((name) => fields.get(name) ?? '')
  try {
    const signedIn = await visit.core.registration.completeSetUp(token, email, password)
    return leave('/app/', signedIn.token)
  } catch (error) {
    if (isFailure(error) && error.code === 'not_found') return overPage(visit)
    return setUpPage(visit, token, email, mendable(error))
  }
}

async function isGood({ core }: Visit, token: string): Promise<boolean> {
  const holder = await core.registration.byLink(token, 'set-up').catch((error) => {
    if (!isFailure(error) || error.code !== 'not_found') throw error
  })
  return holder !== undefined
}

function setUpPage(visit: Visit, token: string, email: string, problem?: Told): Page {
  const body = html`<section class="card narrow">
<h1>Set up your account</h1>
<p>Choose what you will sign in with from now on.</p>
${problemOf(problem)}
<form method="post" action="${visit.base}/app/set-up">
<input name="token" type="hidden" value="${token}">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" value="${email}" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="${passwordLimits.minCharacters}" aria-describedby="password-hint">
<p class="hint" id="password-hint">${passwordLimits.minCharacters} characters or more; a few words in a row are good and easy to type.</p>
<button class="primary wide">Set up and sign in</button>
</form>
</section>`
  return page('Set up your account', body, { status: problem?.status ?? 200, isSecretAddress: true })
}

function overPage({ base }: Visit): Page {
  const body = html`<section class="card narrow">
<h1>This link is over</h1>
<p>A set-up link works once, for seven days. This one was used already, has expired, or was not copied whole.</p>
<p>Were you here before? <a href="${base}/app/sign-in">Sign in</a>. Otherwise whoever runs this server can make a new link:</p>
<p><code>larder user setup-link</code></p>
</section>`
  return page('This link is over', body, { status: 404, isSecretAddress: true })
}
