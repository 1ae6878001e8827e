import type { TestContext } from 'node:test'

/**
 * Some tests need a program that Debian has and a fresh machine may not (chromium, strace). Without it they are skipped,
 * saying so; on CI, which installs them, they fail instead. Returns whether to stop here.
 */
export function skipWithout(t: TestContext, program: string, isThere: () => boolean): boolean {
  if (isThere()) return false
  if (process.env.CI) throw new Error(`this test needs ${program}, which CI installs`)
  t.skip(`needs ${program}: apt-get install ${program}`)
  return true
}
