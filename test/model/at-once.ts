import { setTimeout as wait } from 'node:timers/promises'
import type { TokenAnswer } from '../support/oauth.ts'
import { isRefused, takeTokens } from './answers.ts'
import type { Choices } from './choices.ts'
import type { Refresh } from './refresh.ts'
import type { Grant, Model } from './state.ts'

/** Lets two things happen at once, the second perhaps a little later. */
export async function both<One, Other>(
  choose: Choices,
  one: () => Promise<One>,
  other: () => Promise<Other>,
): Promise<[One, Other]> {
  const later = choose.below(20)
  const isFirst = choose.once(2)
  const after = async (): Promise<void> => void (later === 0 || (await wait(later)))
  return Promise.all(isFirst ? [one(), after().then(other)] : [after().then(one), other()])
}

/** A refresh with the current token, for all that was granted. */
export const current = (grant: Grant): Refresh => ({
  grant,
  serial: grant.refreshTokens.length - 1,
  by: grant.program,
  scopes: undefined,
  resource: undefined,
})

/** Adds what came of a request that was perhaps too late: tokens of a grant that is over, or nothing. */
export function takeLate(model: Model, answer: TokenAnswer, grant: Grant): void {
  if (answer.status !== 200)
    return isRefused(answer, answer.status === 401 ? 'invalid_client' : 'invalid_grant')
  takeTokens(model, answer, grant)
  if (grant.refreshTokens.includes(answer.body.refresh_token)) return
  grant.refreshTokens.push(answer.body.refresh_token)
}
