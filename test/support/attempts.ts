import type { TestApp } from './app.ts'

/** Who guesses, and from where. */
export const email = 'ada@example.org'
export const home = '203.0.113.1'
export const elsewhere = '198.51.100.7'

/** Lets a test say from which address it comes; the limit by address alone is set out of the way. */
export const roomy = { 'limits.auth': '1000/1m', 'server.trusted_proxies': '127.0.0.1' }

/** A log-in at Atiru's door, from an address. */
export async function logIn(app: Pick<TestApp, 'url'>, password: string, address = home, who = email) {
  const response = await fetch(`${app.url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': address },
    body: JSON.stringify({ email: who, password }),
  })
  const { code } = (await response.json()) as { code?: string }
  const { status, headers } = response
  return { status, code, retryAfter: Number(headers.get('retry-after')) }
}
