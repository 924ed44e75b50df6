import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { SeenPage } from '../support/form-browser.ts'
import type { Choices } from './choices.ts'
import type { Step } from './command.ts'
import { lifetimes } from './configuration.ts'
import { noteVisit, touch, visit } from './people.ts'
import {
  forgetConsent,
  type Grant,
  isKnown,
  isRemembered,
  isSignedIn,
  type Model,
  noteUse,
  type Program,
  pairOf,
} from './state.ts'
import type { World } from './world.ts'

const mostFailures = 3

const scopeSets = [
  ['mcp:tools:read'],
  ['mcp:tools:read', 'mcp:resources:list'],
  ['mcp:tools:execute', 'mcp:tools:read'],
  ['mcp:tools'],
  ['mcp:prompts:list', 'openid'],
  ['mcp:resources:list', 'mcp:prompts:list', 'mcp:tools:read', 'mcp:tools:execute'],
]

/** Some scopes, with their resource. */
export function chooseAccess(world: World, choose: Choices): { resource: string; scopes: readonly string[] } {
  return { resource: choose.recent(world.resources), scopes: choose.recent(scopeSets) }
}

/** The programs that users sign in to. */
export function userPrograms({ programs }: Model): Program[] {
  return programs.filter(({ kind }) => kind === 'native' || kind === 'web' || kind === 'confidential')
}

/** A grant as it is when it has just been made. */
export function newGrant(access: Pick<Grant, 'person' | 'program' | 'resource' | 'scopes'>): Grant {
  return {
    ...access,
    endsAt: (Math.floor(Date.now() / 1000) + lifetimes.refreshAbsoluteSeconds) * 1000,
    over: undefined,
    refreshTokens: [],
    uses: [],
    idleAt: 0,
    challengedUntil: 0,
    told: new Map(),
  }
}

/** What a request of a program for a user asks for in the end: also what it was found to lack. */
export function withNeeds(
  model: Model,
  access: Pick<Grant, 'person' | 'program' | 'resource' | 'scopes'>,
): string[] {
  const need = model.needs.get(pairOf(access.program, access.person))
  const lacks = need !== undefined && need.resource === access.resource && need.until > Date.now()
  return [...new Set([...access.scopes, ...(lacks ? need.scopes : [])])]
}

/** The user has approved. */
export function agree(
  model: Model,
  { person, program, resource, scopes }: Pick<Grant, 'person' | 'program' | 'resource' | 'scopes'>,
): void {
  model.needs.delete(pairOf(program, person))
  if (program.kind === 'native' || program.kind === 'television') return
  const pair = pairOf(program, person, resource)
  const remembered = model.remembered.get(pair) ?? new Map<string, number>()
  for (const scope of scopes) remembered.set(scope, Date.now() + lifetimes.consentSeconds * 1000)
  model.remembered.set(pair, remembered)
}

/** Which pages of a visit asked for a password, and which for a decision. */
export function askedOn(pages: readonly SeenPage[]): string[] {
  return pages.map(({ html, url }) => {
    if (html.includes('name="password"')) return 'login'
    return html.includes('value="deny"') ? 'consent' : `nothing (${new URL(url).pathname})`
  })
}

/** An authorization request, with whatever the user has to do for it. */
export async function visitAuthorize(model: Model, world: World, choose: Choices): Promise<string> {
  const person = choose.recent(model.people)
  const program = choose.of(userPrograms(model))
  const { resource, scopes: asked } = chooseAccess(world, choose)
  const denies = choose.once(6)
  const forced = choose.once(6)
  const verifier = randomBytes(32).toString('base64url')
  const { oauth } = program
  const url = oauth.authorizationUrl({
    verifier,
    resource,
    scope: asked.join(' '),
    ...(forced ? { extra: { prompt: 'consent' } } : {}),
  })
  const what = `${person.name} ${denies ? 'denies' : 'lets'} ${program.name} ${asked.join('+')}`
  person.habits.decision = denies ? 'deny' : 'approve'
  const seen = person.browser.pages.length
  if (!isKnown(program)) {
    await person.browser.open(url).then(({ status }) => assert.equal(status, 400, 'an unknown program'))
    await touch(person, world)
    return `${what}: unknown`
  }
  if (person.disabled) {
    // One more, and the account would be locked for a moment when it is enabled again.
    if (person.failures === mostFailures) return `${what}: disabled, and does not try`
    person.failures++
    await assert.rejects(visit(person, url, 1), /too many forms/)
    return `${what}: disabled`
  }
  const callback = await visit(person, url)
  const access = { person, program, resource, scopes: asked }
  const scopes = withNeeds(model, access)
  const isAsked = forced || program.kind === 'native' || !isRemembered(model, { ...access, scopes })
  const expected = [...(isSignedIn(person) ? [] : ['login']), ...(isAsked ? ['consent'] : [])]
  assert.deepEqual(askedOn(person.browser.pages.slice(seen)), expected, what)
  noteVisit(person)
  assert.equal(callback?.searchParams.get('state'), 'a state')
  assert.equal(callback.searchParams.get('iss'), world.url)
  if (isAsked && denies) {
    assert.equal(callback.searchParams.get('error'), 'access_denied')
    assert.equal(callback.searchParams.get('code'), null)
    forgetConsent(model, person, program)
    model.needs.delete(pairOf(program, person))
    return what
  }
  const code = callback.searchParams.get('code')
  assert.ok(code !== null, callback.href)
  const grant = newGrant({ ...access, scopes })
  if (isAsked) agree(model, grant)
  else model.needs.delete(pairOf(program, person))
  model.grants.push(grant)
  noteUse(program)
  model.codes.push({ code, verifier, grant, used: false, endsAt: Date.now() + lifetimes.codeSeconds * 1000 })
  return `${what}${isAsked ? '' : ' unasked'}`
}

/** A user lets a program in, or not. */
export const signIn: Step = {
  name: 'sign in',
  can: (model) => userPrograms(model).length > 0,
  run: visitAuthorize,
}
