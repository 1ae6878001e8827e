import type { TestContext } from 'node:test'
import type { Overrides } from '../../src/config/index.ts'
import { openTestApp, type Surroundings, type TestApp } from './app.ts'
import { Outside } from './outside.ts'

/** A way to be below a path of somebody else's host. */
export interface Way {
  readonly name: string
  readonly config: Overrides
  /** Where it is seen from outside; the server's own address where nothing is said. */
  readonly base?: string
  /** What the proxy makes of a path. */
  readonly arriving?: (path: string) => string
}

const cut =
  (prefix: string) =>
  (path: string): string =>
    path.slice(prefix.length) || '/'

export const passedOn: Way = { name: 'the proxy passes the path on', config: { 'server.base_path': '/larder' } }

/** All of them. */
export const ways: readonly Way[] = [
  passedOn,
  {
    name: 'the proxy cuts it off',
    config: { 'server.public_url': 'https://files.example.org/larder' },
    base: 'https://files.example.org/larder',
    arriving: cut('/larder'),
  },
  {
    name: 'the proxy cuts off a part of it',
    config: { 'server.public_url': 'https://files.example.org/home/larder', 'server.base_path': '/larder' },
    base: 'https://files.example.org/home/larder',
    arriving: cut('/home'),
  },
]

/** A server behind such a proxy, and somebody in front of it. */
export async function openBelow(
  t: Pick<TestContext, 'after'>,
  way: Way,
  more: Overrides = {},
  surroundings: Surroundings = {},
): Promise<{ app: TestApp; outside: () => Outside }> {
  const app = await openTestApp(t, { ...way.config, ...more }, surroundings)
  return { app, outside: () => new Outside(app, way.base ?? app.url, way.arriving) }
}
