import type { Caller } from '../../core/caller.ts'
import { isFailure } from '../../core/failure.ts'
import { accountPage } from './account-page.ts'
import { mendable, type Problem } from './failures.ts'
import { countAttempt } from './sign-in.ts'
import { type Answer, leave, type Visit } from './visit.ts'

export async function showAccount(visit: Visit, caller: Caller, problem?: Problem): Promise<Answer> {
  const { usage } = visit.core
  const [totals, month] = await Promise.all([usage.totals(caller), usage.thisMonth(caller)])
  return accountPage(visit, caller, { totals, month }, problem)
}

/** Guesses at the old password are held up as those at a log-in are: a browser left open is not its owner. */
export async function changePassword(visit: Visit, caller: Caller): Promise<Answer> {
  const { core } = visit
  const fields = await visit.fields()
  const [old = '', chosen = ''] = ['old_password', 'new_password'].map((name) => fields.get(name) ?? '')
  try {
    await countAttempt(visit)
    await visit.attempt(caller.account.email ?? '', () => core.access.changePassword(caller, old, chosen))
    // The form's own fragment would come along, and scroll past what is told.
    return leave('/app/account?notice=password#account')
  } catch (error) {
    return showAccount(visit, caller, problemOf(error))
  }
}

function problemOf(error: unknown): Problem {
  const problem = mendable(error)
  const isWrong = isFailure(error) && error.code === 'unauthenticated'
  return isWrong ? { ...problem, text: 'That is not the password that you have now.' } : problem
}
