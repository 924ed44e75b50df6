import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import type { Step } from './command.ts'
import { refreshable } from './refresh.ts'
import { userPrograms } from './sign-in.ts'
import { endGrants, forgetConsent, isGood, isKnown, isStanding, type Program } from './state.ts'

/** Gives a token back. Resolves to the status. */
export async function post(by: Program, token: string): Promise<number> {
  const { status } = await by.oauth.token(
    { token, client_id: by.oauth.clientId, ...by.credential },
    { path: '/revoke' },
  )
  return status
}

/** A program gives an access token back, or tries to with somebody else's. */
export const revokeAccess: Step = {
  name: 'revoke an access token',
  can: ({ tokens }) => tokens.length > 0,
  async run(model, _world, choose) {
    const exchanged = model.tokens.filter((one) => model.tokens.some(({ origin }) => origin === one))
    const token = choose.recent(exchanged.length > 0 && choose.once(2) ? exchanged : model.tokens)
    const by = choose.once(4) ? choose.of(userPrograms(model)) : token.program
    assert.equal(await post(by, token.text), isKnown(by) ? 200 : 401)
    if (isKnown(by) && by === token.program) token.revoked = true
    return `${by.name} of ${token.program.name}`
  },
}

/** A program gives a refresh token back, of any age, or tries to with somebody else's. */
export const revokeRefresh: Step = {
  name: 'revoke a refresh token',
  can: (model) => refreshable(model).length > 0,
  async run(model, _world, choose) {
    const grant = choose.recent(refreshable(model))
    const by = choose.once(4) ? choose.of(userPrograms(model)) : grant.program
    assert.equal(await post(by, choose.of(grant.refreshTokens)), isKnown(by) ? 200 : 401)
    if (isKnown(by) && by === grant.program)
      endGrants(model, 'given back', (one) => one === grant && Date.now() < one.idleAt)
    return `${by.name} of ${grant.program.name}`
  },
}

/** A user ends the access of a program on the account page. */
export const revokeProgram: Step = {
  name: 'revoke a program',
  can: ({ people, grants }) => people.some(({ session }) => session !== undefined) && grants.some(isStanding),
  async run(model, world, choose) {
    const { person, program } = choose.recent(model.grants.filter(isStanding))
    const page = await person.browser.open(`${world.url}/account`)
    if (page.status !== 200) return 'not signed in'
    const id = program.oauth.clientId
    const csrf = new RegExp(
      `name="csrf" value="([^"]+)" />\\s*<input type="hidden" name="client_id" value="${id}"`,
    )
    const found = csrf.exec(page.html)?.[1]
    assert.ok(found !== undefined, `${program.name} is listed`)
    const { status } = await person.browser.open(`${world.url}/account/revoke`, {
      csrf: found,
      client_id: id,
    })
    assert.equal(status, 303)
    endGrants(model, 'revoked by its user', (one) => one.person === person && one.program === program)
    forgetConsent(model, person, program)
    return `${person.name} ${program.name}`
  },
}

/** An operator ends a grant. */
export const revokeGrant: Step = {
  name: 'revoke a grant',
  can: (model) => model.tokens.some((token) => token.grant !== undefined && isGood(model, token)),
  async run(model, world, choose) {
    const token = choose.of(model.tokens.filter((one) => one.grant !== undefined && isGood(model, one)))
    await world.operate('grants/revoke', String(decodeJwt(token.text)['gid']))
    endGrants(model, 'revoked by an operator', (grant) => grant === token.grant)
    return token.program.name
  },
}
