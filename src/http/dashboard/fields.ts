import { passwordLimits } from '../../core/passwords.ts'
import { type Html, html } from '../html.ts'

/** Who somebody is: an empty one has the focus, as nearly every small form begins with it. */
export function emailField(value: string): Html {
  return html`<label for="email">E-mail address</label>
<input id="email" name="email" type="email" value="${value}" autocomplete="username" required${value === '' && html` autofocus`}>`
}

/** An address that stands already, for the reader and for whatever keeps the reader's passwords. */
export function fixedEmailField(value: string): Html {
  return html`<label for="email">E-mail address</label>
<input id="email" type="email" value="${value}" autocomplete="username" readonly>`
}

interface PasswordField {
  readonly name?: string
  readonly label?: string
  readonly hasFocus?: boolean
}

export function passwordField({ name = 'password', label = 'Password', hasFocus = false }: PasswordField = {}): Html {
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="current-password" required${hasFocus && html` autofocus`}>`
}

/** One to be chosen now. */
export function newPasswordField({
  name = 'password',
  label = 'Password',
  hasFocus = false,
}: PasswordField = {}): Html {
  const { minCharacters } = passwordLimits
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" required minlength="${minCharacters}" aria-describedby="${name}-hint"${hasFocus && html` autofocus`}>
<p class="hint" id="${name}-hint">${minCharacters} characters or more; a few words in a row are good and easy to type.</p>`
}
