import type { Letter, LetterPurpose } from '../core/model.ts'
import { datesInUtc } from '../core/text.ts'
import { escaped, styleSheet, styles } from './markup.ts'

/** A letter in words, twice: for programs that show plain text, and for those that show markup. */
export interface Written {
  readonly subject: string
  readonly text: string
  readonly html: string
}

interface Words {
  readonly subject: string
  readonly heading: string
  /** What stands before the link or the code. */
  readonly before: readonly string[]
  /** What nobody may overlook; the last before the link or the code. */
  readonly warning?: string
  readonly button?: string
  readonly after: readonly string[]
}

interface Facts {
  /** The server, as its reader knows it. */
  readonly server: string
  readonly until: string
  readonly code: string
}

/** All letters there are. What each is good for, and for how long, is decided in core/registration.ts. */
const letters: Record<LetterPurpose, (facts: Facts) => Words> = {
  confirm: ({ server, until }) => ({
    subject: 'Confirm your e-mail address',
    heading: 'Confirm your e-mail address',
    before: [`Somebody, most likely you, has registered this address with Larder at ${server}.`],
    warning:
      'If it was not you, do not follow the link: it makes the password that was chosen with the registration ' +
      'the password of this account.',
    button: 'Confirm this address',
    after: [
      `The link works once, until ${until}.`,
      'If it was not you, just delete this letter: nothing comes of it while nobody follows the link.',
    ],
  }),
  known: ({ server }) => ({
    subject: 'You have an account already',
    heading: 'You have an account already',
    before: [
      `Somebody, perhaps you, has tried to register this address with Larder at ${server}. ` +
        'It has an account already: nothing was made, and nothing has changed.',
      'If it was you, sign in with the password you have. Where you have forgotten it, you can choose a new one there.',
    ],
    button: 'Sign in',
    after: ['If it was not you, there is nothing to do.'],
  }),
  reset: ({ server, until }) => ({
    subject: 'Choose a new password',
    heading: 'Choose a new password',
    before: [`Somebody, most likely you, has asked for a new password for your account with Larder at ${server}.`],
    button: 'Choose a new password',
    after: [
      `The link works once, for one hour: until ${until}. Pass it on to nobody; it opens your account.`,
      'If it was not you, just delete this letter. Your password stays as it is.',
    ],
  }),
  code: ({ server, until, code }) => ({
    subject: `${code} is your Larder code`,
    heading: 'Your code',
    before: [`Enter this code to sign in to Larder at ${server}.`],
    warning: 'Never tell it to anybody: nobody who means well will ask you for it.',
    after: [
      `The code works once, for 10 minutes: until ${until}.`,
      'If you did not want to sign in, just delete this letter: without the code nobody gets in.',
    ],
  }),
  magic: ({ server, until }) => ({
    subject: 'Your link to sign in',
    heading: 'Sign in',
    before: [`Somebody, most likely you, has asked for a link to sign in to Larder at ${server}.`],
    warning: 'Pass it on to nobody: whoever follows it first is signed in as you.',
    button: 'Sign in',
    after: [
      `The link works once, for 15 minutes: until ${until}.`,
      'If it was not you, just delete this letter: without the link nobody gets in.',
    ],
  }),
}

/** @param publicUrl the server's public address, without a final slash. */
export function write(letter: Letter, publicUrl: string): Written {
  const base = new URL(publicUrl).href.replace(/\/$/, '')
  const url = letter.path === undefined ? undefined : new URL(base + letter.path).href
  const code = letter.code ?? ''
  const words = letters[letter.purpose]({ server: new URL(base).host, until: timeText(letter.expiresAt), code })
  const parts = { words, url, code, foot: `Sent by Larder at ${base}, because somebody gave your address there.` }
  return { subject: words.subject, text: plainText(parts), html: markup(parts) }
}

interface Parts {
  readonly words: Words
  readonly url: string | undefined
  readonly code: string
  readonly foot: string
}

const timeOfDay = datesInUtc({ hour: '2-digit', minute: '2-digit' })
const date = datesInUtc({ day: 'numeric', month: 'long', year: 'numeric' })

/** The whole minute before, so that nobody is promised a moment too much. */
function timeText(ms: number): string {
  return `${timeOfDay(ms)} UTC on ${date(ms)}`
}

const columns = 72

function plainText({ words, url, code, foot }: Parts): string {
  const { heading, before, warning, button, after } = words
  const warned = warning === undefined ? [] : [warning]
  const action = [
    ...(url === undefined ? [] : [`${button ?? 'Open'}:\n${url}`]),
    ...(code === '' ? [] : [`    ${code}`]),
  ]
  const prose = (texts: readonly string[]): string[] => texts.map(wrapped)
  const paragraphs = [heading, ...prose([...before, ...warned]), ...action, ...prose(after), `-- \n${wrapped(foot)}`]
  return `${paragraphs.join('\n\n')}\n`
}

/** Broken between words, and only there: an address stays in one piece, however long. */
function wrapped(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

function markup({ words, url, code, foot }: Parts): string {
  const { subject, heading, button, before, warning, after } = words
  const paragraph = (text: string): string => `<p style="${styles.paragraph}">${escaped(text)}</p>`
  const inside = [
    `<h1 style="${styles.heading}">${escaped(heading)}</h1>`,
    ...before.map(paragraph),
    warning !== undefined && `<p style="${styles.paragraph}"><strong>${escaped(warning)}</strong></p>`,
    url !== undefined && buttonMarkup(url, button ?? 'Open'),
    code !== '' && `<p class="code" style="${styles.code}">${escaped(code)}</p>`,
    ...after.map(paragraph),
    url !== undefined && addressMarkup(url),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escaped(subject)}</title>
<style>${styleSheet}</style>
</head>
<body style="${styles.body}">
<div class="ground" style="${styles.ground}">
<div style="${styles.column}">
<p class="brand" style="${styles.brand}">Larder</p>
<div class="card" style="${styles.card}">
${inside.filter((one) => one !== false).join('\n')}
</div>
<p class="soft" style="${styles.foot}">${escaped(foot)}</p>
</div>
</div>
</body>
</html>
`
}

function buttonMarkup(url: string, label: string): string {
  const button = `<a class="button" href="${escaped(url)}" style="${styles.button}">${escaped(label)}</a>`
  return `<p style="${styles.action}">${button}</p>`
}

/** The button's address for reading and for copying: some programs show no button, and some people trust none. */
function addressMarkup(url: string): string {
  const link = `<a class="link" href="${escaped(url)}" style="${styles.link}">${escaped(url)}</a>`
  return `<p class="soft" style="${styles.soft}">The button leads to:<br>${link}</p>`
}
