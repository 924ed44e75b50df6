import assert from 'node:assert/strict'
import type { TokenAnswer } from '../support/oauth.ts'
import { idleEnd, isRefused, takeTokens } from './answers.ts'
import { both, current, takeLate } from './at-once.ts'
import type { Step } from './command.ts'
import { openCodes, sendCode } from './redeem.ts'
import { liveGrants, namedBy, sendRefresh } from './refresh.ts'
import { requestOf } from './refresh-rules.ts'
import { endGrants } from './state.ts'

/** One program refreshes twice at once, and perhaps for different things. */
export const refreshTwice: Step = {
  name: 'refresh twice at once',
  can: (model) => liveGrants(model).length > 0,
  async run(model, _world, choose) {
    const grant = choose.of(liveGrants(model))
    const one = current(grant)
    const narrower = choose.once(3) && grant.scopes.length > 1 && !grant.scopes.includes('openid')
    const other = narrower ? { ...one, scopes: grant.scopes.slice(0, 1) } : one
    const answers = await both(
      choose,
      () => sendRefresh(one),
      () => sendRefresh(other),
    )
    if (narrower) {
      const [won, lost] = answers[0].status === 200 ? answers : answers.toReversed()
      const winner = won === answers[0] ? one : other
      takeTokens(model, won as TokenAnswer, grant, winner.scopes ?? grant.scopes)
      isRefused(lost as TokenAnswer, 'invalid_grant')
      endGrants(model, 'its refresh token was used for two things', (each) => each === grant)
      return 'for two things'
    }
    const [first, second] = answers
    for (const answer of answers) takeTokens(model, answer, grant)
    assert.equal(first.body.refresh_token, second.body.refresh_token)
    grant.uses.push({
      at: Date.now(),
      request: requestOf(namedBy(grant), grant.resource),
    })
    grant.refreshTokens.push(first.body.refresh_token)
    grant.idleAt = idleEnd(grant)
    return 'for the same'
  },
}

/** A code is redeemed twice at once: it gives tokens once at most, and they do not last. */
export const redeemTwice: Step = {
  name: 'redeem twice at once',
  can: (model) => openCodes(model).length > 0,
  async run(model, _world, choose) {
    const code = choose.of(openCodes(model))
    const send = () => sendCode(code)
    const answers = await both(choose, send, send)
    const given = answers.filter(({ status }) => status === 200)
    assert.ok(given.length <= 1, 'one answer at most has tokens')
    for (const answer of answers) takeLate(model, answer, code.grant)
    code.used = true
    endGrants(model, 'its code was redeemed twice', (grant) => grant === code.grant)
    return `${given.length} given`
  },
}
