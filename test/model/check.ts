import assert from 'node:assert/strict'
import { isWithinWindow } from './refresh-rules.ts'
import { type AccessToken, type Grant, isGood, isStanding, type Model } from './state.ts'
import type { World } from './world.ts'

/**
 * Everything that was ever given is worth what the model says, to introspection and to the gateway, and no
 * answer was a fault.
 */
export async function checkAll(model: Model, world: World): Promise<void> {
  assert.deepEqual(world.faults, [])
  await Promise.all([
    ...model.tokens.map((token) => checkToken(model, world, token)),
    ...model.grants.map((grant) => checkRefreshTokens(world, grant)),
  ])
  assert.deepEqual(world.faults, [])
}

async function checkToken(model: Model, world: World, token: AccessToken): Promise<void> {
  const good = isGood(model, token)
  if (good === undefined || !isDue(token, good)) return
  const what = `a token of ${token.program.name} for ${token.subject}`
  const told = await world.introspect(token.text)
  assert.equal(told['active'], good, `introspection of ${what}`)
  if (good) {
    assert.equal(told['sub'], token.subject)
    assert.deepEqual([told['aud']].flat(), [token.resource])
  }
  const expected = good ? 502 : 401
  const callsAs = async (): Promise<boolean> => (await world.call(token.resource, token.text)) === expected
  await world.agree(callsAs, `the gateway answers ${expected} to ${what}`)
  if (!good) return
  for (const resource of world.resources)
    if (resource !== token.resource) assert.equal(await world.call(resource, token.text), 401, 'elsewhere')
}

const judged = new WeakMap<AccessToken, { good: boolean; turn: number }>()

/** What was found as it must be is looked at again only after a few commands, unless that has changed. */
function isDue(token: AccessToken, good: boolean): boolean {
  const before = judged.get(token)
  const turn = (before?.turn ?? 0) + 1
  judged.set(token, { good, turn })
  return before?.good !== good || turn % turns === 0
}

const turns = 4

/** The current refresh token, and those before it as long as they lead to their successor. */
async function checkRefreshTokens(world: World, grant: Grant): Promise<void> {
  const { refreshTokens, program } = grant
  const now = Date.now()
  for (const [serial, token] of refreshTokens.entries()) {
    const isCurrent = serial === refreshTokens.length - 1
    const active = isStanding(grant) && now < grant.idleAt && (isCurrent || isWithinWindow(grant, serial))
    const told = await world.introspect(token)
    assert.equal(told['active'], active, `introspection of refresh token ${serial} of ${program.name}`)
  }
}
