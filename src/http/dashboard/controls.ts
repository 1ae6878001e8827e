import { type Html, html, type Value } from '../html.ts'

/** A link to take along: a field, so that it can be selected whole by any finger; the script adds its button. */
export function linkField(link: string, label: string): Html {
  return html`<div class="copy"><input type="text" readonly data-copy value="${link}" aria-label="${label}"></div>`
}

/** The same for a text that must be seen to its end. */
export function secretField(secret: string, label: string): Html {
  return html`<div class="copy"><textarea rows="2" readonly data-copy spellcheck="false" aria-label="${label}">${secret}</textarea></div>`
}

/** A small page's one card. */
export function narrowCard(heading: string, content: Value): Html {
  return html`<section class="card narrow">
<h1>${heading}</h1>
${content}
</section>`
}

/** One line of a list of facts (`dl`). */
export function fact(term: string, value: Value): Html {
  return html`<div><dt>${term}</dt><dd>${value}</dd></div>`
}

/** How much is in use, and of how much, where there is a limit. */
export function amount(used: number, limit: number | null, inWords: (amount: number) => string, label: string): Html {
  if (limit === null) return html`${inWords(used)}`
  return html`${inWords(used)} of ${inWords(limit)} <meter min="0" max="${limit}" value="${used}" aria-label="${label}"></meter>`
}

interface Asked {
  /** The word on the button: `Delete`. */
  readonly word: string
  /** What it is done to, for whoever hears the page and does not see where the button stands. */
  readonly to: string
  readonly action: string
  readonly question: string
  readonly fields?: Value
}

/** A button for what cannot be taken back: it opens a question first, and needs no script for it. */
export function asking({ word, to, action, question, fields }: Asked): Html {
  return html`<details class="really">
<summary class="button"><span class="shut">${word}</span><span class="opened">Cancel</span><span class="hidden"> ${to}</span></summary>
<form method="post" action="${action}">
<p>${question}</p>
${fields}
<button class="danger">Really ${word.toLowerCase()}</button>
</form>
</details>`
}
