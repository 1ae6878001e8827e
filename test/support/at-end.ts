/** All that is needed of a test's context: suites' hooks have it too. */
export interface Ending {
  after(work: () => Promise<void>): void
}

const stacks = new WeakMap<object, (() => unknown)[]>()

/**
 * Runs work when the test is over, the last first: a server is closed before its folder is removed. (node:test's own hooks
 * run in the order in which they were added, and the first that fails keeps the others from running.)
 */
export function atEnd(t: Pick<Ending, 'after'>, work: () => unknown): void {
  let stack = stacks.get(t)
  if (!stack) {
    const works: (() => unknown)[] = []
    stack = works
    stacks.set(t, works)
    t.after(async () => {
      const errors: unknown[] = []
      for (const one of works.splice(0).reverse()) {
        try {
          await one()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    })
  }
  stack.push(work)
}
