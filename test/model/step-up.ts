import assert from 'node:assert/strict'
import { ScopeSet } from '../../src/core/scope.ts'
import type { Step } from './command.ts'
import { isGood, pairOf } from './state.ts'

const methods = {
  'tools/list': 'mcp:tools:read',
  'prompts/list': 'mcp:prompts:list',
  'prompts/get': 'mcp:prompts:read',
}
const toldMilliseconds = 24 * 3600_000
const challengeMilliseconds = 30_000
const needMilliseconds = 10 * 60_000

/** A program calls a method, for which its token may lack a scope. */
export const call: Step = {
  name: 'call',
  can: (model) => model.tokens.some((token) => isGood(model, token)),
  async run(model, world, choose) {
    const token = choose.recent(model.tokens.filter((one) => isGood(model, one)))
    const [method, needed] = choose.of(Object.entries(methods))
    const has = new ScopeSet(token.scopes).covers(needed)
    assert.equal(await world.call(token.resource, token.text, method), has ? 502 : 403)
    const { grant } = token
    if (has || grant === undefined || token.origin !== undefined) return method
    const now = Date.now()
    const key = JSON.stringify([needed])
    // What was told once stays told as long as the store keeps it.
    if (!grant.told.has(key)) {
      grant.told.set(key, now + toldMilliseconds)
      grant.challengedUntil = now + challengeMilliseconds
    }
    const need = { resource: token.resource, scopes: [needed], until: now + needMilliseconds }
    model.needs.set(pairOf(grant.program, grant.person), need)
    return `${method} lacks ${needed}`
  },
}
