import assert from 'node:assert/strict'
import { ScopeSet } from '../../src/core/scope.ts'
import type { TokenAnswer } from '../support/oauth.ts'
import { idleEnd, isRefused, takeTokens } from './answers.ts'
import type { Step } from './command.ts'
import { isWithinWindow, requestOf } from './refresh-rules.ts'
import { userPrograms } from './sign-in.ts'
import { endGrants, type Grant, isKnown, isStanding, type Model, type Program, pairOf } from './state.ts'

/** One use of a refresh token. */
export interface Refresh {
  readonly grant: Grant
  readonly serial: number
  readonly by: Program
  readonly scopes: readonly string[] | undefined
  readonly resource: string | undefined
}

/** Sends it. */
export function sendRefresh({ grant, serial, by, scopes, resource }: Refresh): Promise<TokenAnswer> {
  return by.oauth.refresh(grant.refreshTokens[serial] as string, {
    ...by.credential,
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    ...(resource === undefined ? {} : { resource }),
  })
}

/** What a refresh must lead to: an error, the end of the grant, or tokens. */
function expectation(model: Model, refresh: Refresh): string {
  const { grant, serial, by, scopes, resource } = refresh
  if (!isKnown(by)) return 'invalid_client'
  if (by !== grant.program || !isStanding(grant) || Date.now() >= grant.idleAt) return 'invalid_grant'
  if (scopes?.some((scope) => !grant.scopes.includes(scope))) return 'invalid_scope'
  const isCurrent = serial === grant.refreshTokens.length - 1
  if (!isCurrent && !isWithinWindow(grant, serial)) return 'reuse'
  if (resource !== undefined && resource !== grant.resource) return 'invalid_target'
  if (isCurrent)
    return grant.challengedUntil > Date.now() && !givesWhatLacked(model, refresh) ? 'challenged' : 'rotates'
  const request = requestOf(namedBy(grant, scopes), grant.resource)
  return grant.uses[serial]?.request === request ? 'repeats' : 'reuse'
}

/** Whether a call was made with a token for less than was granted, and a refresh is for what it lacked. */
function givesWhatLacked(model: Model, { grant, scopes = grant.scopes }: Refresh): boolean {
  const need = model.needs.get(pairOf(grant.program, grant.person))
  if (need === undefined || need.until <= Date.now() || need.resource !== grant.resource) return false
  return new ScopeSet(scopes).missing(need.scopes).length === 0
}

/** `openid` makes no difference, since answers do not always name it. */
export function namedBy(grant: Grant, scopes: readonly string[] = grant.scopes): string[] {
  return scopes.filter((scope) => scope !== 'openid')
}

/** Throws unless a refresh was answered as it must be. */
export function judgeRefresh(model: Model, answer: TokenAnswer, refresh: Refresh): string {
  const { grant, serial, scopes = grant.scopes } = refresh
  const expected = expectation(model, refresh)
  if (expected === 'reuse') {
    isRefused(answer, 'invalid_grant')
    endGrants(model, 'its refresh token was used twice', (one) => one === grant)
  } else if (expected === 'challenged') {
    isRefused(answer, 'invalid_grant')
    grant.challengedUntil = 0
  } else if (expected === 'rotates') {
    takeTokens(model, answer, grant, scopes)
    grant.uses.push({ at: Date.now(), request: requestOf(namedBy(grant, scopes), grant.resource) })
    grant.refreshTokens.push(answer.body.refresh_token)
    grant.idleAt = idleEnd(grant)
  } else if (expected === 'repeats') {
    takeTokens(model, answer, grant, scopes)
    assert.equal(answer.body.refresh_token, grant.refreshTokens[serial + 1])
  } else isRefused(answer, expected)
  return expected
}

/** Grants that have given a refresh token. */
export function refreshable({ grants }: Model): Grant[] {
  return grants.filter(({ refreshTokens }) => refreshTokens.length > 0)
}

/** Grants whose refresh token is good. */
function usableGrants(model: Model): Grant[] {
  return refreshable(model).filter(
    (grant) => isStanding(grant) && isKnown(grant.program) && Date.now() < grant.idleAt,
  )
}

/** Grants that give tokens now, since their program need not ask for more first. */
export function liveGrants(model: Model): Grant[] {
  return usableGrants(model).filter(({ challengedUntil }) => challengedUntil <= Date.now())
}

const mayRefresh = (model: Model): Program[] => [
  ...userPrograms(model),
  ...model.programs.filter(({ kind }) => kind === 'television'),
]

async function refreshOne(model: Model, chosen: Refresh): Promise<string> {
  const { grant, serial, by } = chosen
  const outcome = judgeRefresh(model, await sendRefresh(chosen), chosen)
  return `${by.name} ${serial} of grant ${model.grants.indexOf(grant)}: ${outcome}`
}

/** A program refreshes as it should: with its current token, or again with the one before; for all, or for less. */
export const refresh: Step = {
  name: 'refresh',
  can: (model) => usableGrants(model).length > 0,
  run(model, _world, choose) {
    const grant = choose.recent(usableGrants(model))
    const last = grant.refreshTokens.length - 1
    const serial = last > 0 && isWithinWindow(grant, last - 1) && choose.once(2) ? last - 1 : last
    const scopes = choose.once(3) ? grant.scopes.slice(0, 1) : choose.once(3) ? grant.scopes : undefined
    const resource = choose.once(3) ? grant.resource : undefined
    return refreshOne(model, { grant, serial, by: grant.program, scopes, resource })
  },
}

/** Some program uses some refresh token, perhaps for more, or at another server. */
export const misuseRefresh: Step = {
  name: 'misuse a refresh token',
  can: (model) => refreshable(model).length > 0,
  run(model, world, choose) {
    const grant = choose.recent(refreshable(model))
    const serial = choose.below(grant.refreshTokens.length)
    const by = choose.once(4) ? choose.of(mayRefresh(model)) : grant.program
    const scopes = choose.once(3) ? [...grant.scopes, 'mcp:prompts:read'] : undefined
    const resource = choose.once(3) ? choose.of(world.resources) : undefined
    return refreshOne(model, { grant, serial, by, scopes, resource })
  },
}
