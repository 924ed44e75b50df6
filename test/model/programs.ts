import assert from 'node:assert/strict'
import { clientSecret } from '../support/confidential.ts'
import { OAuthClient } from '../support/oauth.ts'
import type { Step } from './command.ts'
import { lifetimes } from './configuration.ts'
import { endGrants, forgetConsent, isStanding, type Model, type Program } from './state.ts'
import type { World } from './world.ts'

const redirects = {
  native: 'http://127.0.0.1:1/callback',
  web: 'https://app.example/callback',
  confidential: 'https://company.example/callback',
}

type Registered = keyof typeof redirects

async function register(world: World, kind: Registered): Promise<Pick<Program, 'oauth' | 'credential'>> {
  const response = await world.send(`${world.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: `The ${kind} one`,
      redirect_uris: [redirects[kind]],
      ...(kind === 'confidential' ? { token_endpoint_auth_method: 'client_secret_post' } : {}),
    }),
  })
  const body = (await response.json()) as { client_id: string; client_secret?: string }
  assert.equal(response.status, 201, JSON.stringify(body))
  return {
    oauth: new OAuthClient(world.url, body.client_id, redirects[kind], world.send),
    credential: body.client_secret === undefined ? {} : { client_secret: body.client_secret },
  }
}

/** Adds the programs of the configuration, and some that register themselves. */
export async function addPrograms(model: Model, world: World): Promise<void> {
  const state = { blocked: false, removed: false, endedAt: 0 }
  for (const kind of ['native', 'web', 'confidential'] as const)
    model.programs.push({
      name: kind,
      kind,
      ...(await register(world, kind)),
      ...state,
      keptUntil: unusedEnd(),
    })
  for (const kind of ['television', 'machine', 'agent', 'helper'] as const)
    model.programs.push({
      name: kind,
      kind,
      oauth: new OAuthClient(world.url, kind, 'http://127.0.0.1:1/callback', world.send),
      credential: kind === 'television' ? {} : { client_secret: clientSecret },
      ...state,
      keptUntil: Number.POSITIVE_INFINITY,
    })
}

/** What an operator does to a program ends everything that it has. */
function endProgram(model: Model, program: Program, reason: string): void {
  program.endedAt = Date.now()
  endGrants(model, reason, (grant) => grant.program === program)
  forgetConsent(model, undefined, program)
}

/** When a program is forgotten that no user has approved. */
function unusedEnd(): number {
  return Date.now() + lifetimes.unusedClientSeconds * 1000
}

/** Registers as programs do whenever they start. One without a secret is the same one as before. */
async function registerAgain(model: Model, world: World, program: Program): Promise<void> {
  const again = await register(world, program.kind as Registered)
  if (program.kind !== 'confidential') {
    assert.equal(again.oauth.clientId, program.oauth.clientId)
    program.keptUntil = program.removed
      ? unusedEnd()
      : Math.max(program.keptUntil, unusedEnd() - registrationPrecision)
    program.removed = false
    return
  }
  program.removed = true
  const name = `${program.name}'`
  model.programs.push({ ...program, ...again, name, removed: false, blocked: false, keptUntil: unusedEnd() })
  model.programs.splice(model.programs.indexOf(program), 1)
}

/** An expiry that would change by less is not written. */
const registrationPrecision = 3600_000

/** Lets programs come back that may have been forgotten by now. */
export async function renewForgotten(model: Model, world: World): Promise<void> {
  for (const program of model.programs.filter(({ keptUntil }) => keptUntil <= Date.now())) {
    const grants = model.grants.filter((grant) => grant.program === program)
    assert.ok(grants.every((grant) => !isStanding(grant) || grant.idleAt <= Date.now()))
    endGrants(model, 'its program was forgotten', (grant) => grant.program === program)
    await registerAgain(model, world, program)
    if (program.removed) forget(model, program)
  }
}

/** Nobody knows to the hour when the server forgets a program, so what is left of it is not judged. */
function forget({ grants, codes, tokens, pages }: Model, program: Program): void {
  keep(grants, (grant) => grant.program !== program)
  keep(pages, (page) => page.program !== program)
  keep(codes, ({ grant }) => grant.program !== program)
  keep(tokens, (token) => token.grant?.program !== program)
}

function keep<Value>(list: Value[], which: (value: Value) => boolean): void {
  list.splice(0, list.length, ...list.filter(which))
}

/** Whether it is a program that registers itself. */
export const isRegistered = ({ kind }: Program): boolean => kind in redirects

/** An operator blocks a program. */
export const block: Step = {
  name: 'block',
  can: ({ programs }) => programs.some(({ blocked }) => !blocked),
  async run(model, world, choose) {
    const program = choose.of(model.programs.filter(({ blocked }) => !blocked))
    await world.operate('clients/block', program.oauth.clientId)
    program.blocked = true
    endProgram(model, program, 'its program was blocked')
    return program.name
  },
}

/** An operator lets a program ask again. */
export const unblock: Step = {
  name: 'unblock',
  can: ({ programs }) => programs.some(({ blocked }) => blocked),
  async run(model, world, choose) {
    const program = choose.of(model.programs.filter(({ blocked }) => blocked))
    await world.operate('clients/unblock', program.oauth.clientId)
    program.blocked = false
    return program.name
  },
}

/** An operator removes a program that had registered. */
export const remove: Step = {
  name: 'remove',
  can: ({ programs }) => programs.some((program) => isRegistered(program) && !program.removed),
  async run(model, world, choose) {
    const program = choose.of(model.programs.filter((one) => isRegistered(one) && !one.removed))
    await world.operate('clients/remove', program.oauth.clientId)
    program.removed = true
    program.keptUntil = Number.POSITIVE_INFINITY
    endProgram(model, program, 'its program was removed')
    return program.name
  },
}

/** A program registers, again. */
export const registerStep: Step = {
  name: 'register',
  async run(model, world, choose) {
    const removed = model.programs.filter((one) => one.removed)
    const others = model.programs.filter(({ kind }) => kind === 'native' || kind === 'web')
    const program = choose.of(removed.length > 0 ? removed : others)
    await registerAgain(model, world, program)
    return program.name
  },
}
