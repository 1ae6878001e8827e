/** Markup, with everything in it that is not markup escaped. Only the tag below makes it. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What may stand in a template. Nothing, and `false`, leave nothing behind: `${isOpen && html`…`}`. */
export type Value = Html | string | number | false | null | undefined | readonly Value[]

/** A template of markup: each value is escaped, for text and for attributes in double quotes; markup nests as it is. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, at) => text + rendered(values[at - 1]) + part))
}

function rendered(value: Value): string {
  if (value instanceof Html) return value.text
  if (value === undefined || value === null || value === false) return ''
  return Array.isArray(value) ? value.map(rendered).join('') : escaped(String(value))
}

/** Markup of our own that is no template: a style, a script. Nothing that anybody sent goes in here. */
html.raw = (markup: string): Html => new Html(markup)

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}
