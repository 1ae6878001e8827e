import { after, type TestContext } from 'node:test'

/** For `openTestApp`, where all tests of a file share one server: what they open is closed after the last of them. */
export const thisFile: Pick<TestContext, 'after'> = { after: (work) => after(work as () => unknown) }
