import { linksOf } from './addresses.ts'
import type { Outside, Seen } from './outside.ts'

/** A page that was seen on the way, and what had led there. */
export interface Visited {
  readonly from: string
  readonly method: string
  readonly seen: Seen
}

/** A form, filled in as its fields ask for it. */
interface Form {
  readonly from: string
  readonly action: string
  readonly isPost: boolean
  readonly body: FormData | Record<string, string>
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&')

/** What stands in a field, or what somebody would put there. */
function filled(tag: string, answers: Readonly<Record<string, string>>): string {
  const [name, type] = [attribute(tag, 'name') ?? '', attribute(tag, 'type') ?? 'text']
  return attribute(tag, 'value') || answers[name] || answers[type] || 'words'
}

function formsIn({ url, text }: Seen, answers: Readonly<Record<string, string>>): Form[] {
  return [...text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, head = '', inside = '']) => {
    const tags = [...inside.matchAll(/<(?:input|button)\s[^>]*name="[^>]*>/g)].map(([tag]) => tag)
    const fields = tags
      .filter((tag) => attribute(tag, 'type') !== 'file' && (!tag.includes('"checkbox"') || tag.includes(' checked')))
      .map((tag) => [attribute(tag, 'name') ?? '', filled(tag, answers)])
    const action = new URL(attribute(head, 'action') ?? url.href, url).href
    const isPost = attribute(head, 'method') === 'post'
    const plain = Object.fromEntries(fields) as Record<string, string>
    return { from: url.href, action, isPost, body: head.includes('multipart/') ? withFile(plain) : plain }
  })
}

function withFile(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData()
  form.append('file', new Blob(['crawled']), 'crawled.txt')
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}

/**
 * Goes through everything that pages lead to from a first one: links and what pages are made of, and then the forms, each
 * action once, the last of them what `last` says. Only addresses of the visitor's own site are followed.
 * @param answers to fields, by their name or type.
 */
export async function crawl(
  visitor: Outside,
  start: string,
  answers: Readonly<Record<string, string>>,
  last = /sign-out$/,
): Promise<Visited[]> {
  const visited: Visited[] = []
  const known = new Set<string>()
  const forms = new Map<string, Form>()
  const { origin } = new URL(visitor.base)
  const look = async (from: string, method: string, seen: Seen): Promise<void> => {
    visited.push({ from, method, seen })
    for (const form of formsIn(seen, answers)) if (!known.has(`form ${form.action}`)) forms.set(form.action, form)
    for (const { address } of linksOf(seen).filter((one) => one.where !== 'action'))
      await follow(seen.url.href, address)
  }
  const follow = async (from: string, sent: string): Promise<void> => {
    const address = sent.replace(/#.*$/, '')
    if (known.has(address) || new URL(address).origin !== origin) return
    known.add(address)
    await look(from, 'GET', await visitor.send(address, { headers: { Accept: 'text/html' } }))
  }
  await follow('', start)
  for (let next = nextOf(forms, last); next; next = nextOf(forms, last)) {
    forms.delete(next.action)
    known.add(`form ${next.action}`)
    if (next.isPost) await look(next.from, 'POST', await visitor.post(next.action, next.body))
    else await follow(next.from, next.action)
  }
  return visited
}

function nextOf(forms: ReadonlyMap<string, Form>, last: RegExp): Form | undefined {
  const all = [...forms.values()]
  return all.find(({ action }) => !last.test(action)) ?? all[0]
}
