import { z } from 'zod'
import type { Door, Route } from '../door.ts'

/** Every address of every door as a page for people, made from the tables that serve. */
export function apiMarkdown(doors: readonly (Pick<Door, 'base' | 'routes'> & { readonly title: string })[]): string {
  const parts = doors.map(({ title, base, routes }) => {
    const rows = routes.map((one) => `| ${cellsOf(one, base).join(' | ')} |`)
    return [`## ${title}`, '', heads, '|---|---|---|---|---|', ...rows].join('\n')
  })
  return `${[intro, ...parts].join('\n\n')}\n`
}

const heads = '| Request | What it does | It takes | It needs | It answers |'

const intro = `# All addresses

Made from the routes that serve. The Atiru API is also shown at \`/reference\` of a running server, with every field and code, and
as OpenAPI at \`/reference/openapi.json\`. Public files are at \`/m/{id}\` (shown) and \`/d/{id}\` (saved), see
[images.md](images.md). A key or an access token goes into \`Authorization: Bearer …\`, a key also into \`X-API-Key\`; any of them
opens any door. JSON is sent with \`Content-Type: application/json\`; a question mark stands after what may be left out.`

function cellsOf(one: Route, base: string): string[] {
  const path = base + one.path.replace(/[:*](\w+)/g, '{$1}')
  const parts = [
    one.query && `query ${fieldsOf(one.query)}`,
    one.headers && `headers ${Object.keys(one.headers).join(', ')}`,
    one.takes ?? (one.body && `JSON ${fieldsOf(one.body)}`),
  ]
  return [
    `\`${one.method.toUpperCase()} ${path}\``,
    one.summary,
    parts.filter(Boolean).join('; '),
    needOf(one),
    answerOf(one),
  ]
}

function needOf({ need }: Route): string {
  if (need === null) return 'nothing'
  if (need === 'login') return 'an access token'
  if (need === 'settings:write' || need === 'keys:manage') return 'an access token, or a key without scopes'
  return need === 'requests:read' ? '`user:read`, and a key without a folder' : `\`${need}\``
}

function answerOf({ answer, status = 200, gives }: Route): string {
  return [String(status), answer ? fieldsOf(answer, 'output') : gives].filter(Boolean).join(' ')
}

function fieldsOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): string {
  const shape = z.toJSONSchema(schema, { io }) as Shape
  return (shape.anyOf ?? [shape]).map(namesOf).join(' or ')
}

interface Shape {
  readonly properties?: object
  readonly required?: string[]
  readonly anyOf?: readonly Shape[]
}

function namesOf({ properties = {}, required = [] }: Shape): string {
  return Object.keys(properties)
    .map((name) => `\`${name}\`${required.includes(name) ? '' : '?'}`)
    .join(', ')
}
