import type { TokenAnswer } from '../support/oauth.ts'
import { accessTokenType, isRefused, takeAccessToken } from './answers.ts'
import type { Choices } from './choices.ts'
import type { Step } from './command.ts'
import { machineScopes } from './configuration.ts'
import { type AccessToken, isGood, isKnown, type Model, type Program } from './state.ts'
import type { World } from './world.ts'

const ofKind = ({ programs }: Model, kind: Program['kind']): Program =>
  programs.find((program) => program.kind === kind) as Program

/** A machine gets a token of its own. */
export const machineToken: Step = {
  name: 'machine token',
  async run(model, world, choose) {
    const program = ofKind(model, 'machine')
    const resource = choose.of(world.resources)
    const kind = choose.below(4)
    const asked = kind === 3 ? ['mcp:prompts:read'] : kind === 2 ? machineScopes.slice(0, 1) : machineScopes
    const answer = await program.oauth.token({
      grant_type: 'client_credentials',
      client_id: program.oauth.clientId,
      ...program.credential,
      scope: asked.join(' '),
      resource,
    })
    if (!isKnown(program)) {
      isRefused(answer, 'invalid_client')
      return 'blocked'
    }
    if (kind === 3) {
      isRefused(answer, 'invalid_scope')
      return 'too much'
    }
    takeAccessToken(model, answer, {
      program,
      resource,
      subject: 'machine',
      scopes: asked,
      grant: undefined,
      holders: [program],
      origin: undefined,
    })
    return 'given'
  },
}

/** A token that a program wants to exchange, and for what. */
interface Exchange {
  readonly by: Program
  readonly subject: AccessToken
  readonly resource: string | undefined
  readonly scopes: readonly string[] | undefined
}

const mostActors = 5

/** Sends it. */
export function sendExchange({ by, subject, resource, scopes }: Exchange): Promise<TokenAnswer> {
  return by.oauth.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: by.oauth.clientId,
    ...by.credential,
    subject_token: subject.text,
    subject_token_type: accessTokenType,
    ...(resource === undefined ? {} : { resource }),
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
  })
}

/** Some exchange of some token. */
export function chooseExchange(model: Model, world: World, choose: Choices): Exchange {
  const known = model.tokens.filter((token) => isGood(model, token) !== undefined)
  const good = known.filter((token) => isGood(model, token))
  return {
    by: ofKind(model, choose.of(['agent', 'helper'])),
    subject: choose.recent(good.length === 0 || choose.once(4) ? known : good),
    resource: choose.once(2) ? choose.of(world.resources) : undefined,
    scopes: choose.once(4) ? ['mcp:tools:read'] : undefined,
  }
}

const actorsOf = (token: AccessToken): number => (token.origin === undefined ? 0 : 1 + actorsOf(token.origin))

/** Throws unless an exchange was answered as it must be. */
export function judgeExchange(model: Model, answer: TokenAnswer, exchange: Exchange): string {
  const { by, subject, resource = subject.resource } = exchange
  const scopes = exchange.scopes ?? subject.scopes
  const refuse = (error: string): string => {
    isRefused(answer, error)
    return error
  }
  if (!isKnown(by)) return refuse('invalid_client')
  if (isGood(model, subject) !== true || subject.subject === 'machine') return refuse('invalid_request')
  if (resource !== subject.resource && by.kind === 'agent') return refuse('invalid_target')
  const covered = scopes.every(
    (scope) => subject.scopes.includes(scope) || subject.scopes.includes('mcp:tools'),
  )
  if (!covered) return refuse('invalid_scope')
  if (actorsOf(subject) >= mostActors) return refuse('invalid_request')
  takeExchanged(model, answer, exchange)
  return 'given'
}

/** Adds a token that was given in an exchange. */
export function takeExchanged(
  model: Model,
  answer: TokenAnswer,
  { by, subject, resource, scopes }: Exchange,
): void {
  takeAccessToken(model, answer, {
    program: by,
    resource: resource ?? subject.resource,
    subject: subject.subject,
    scopes: scopes ?? subject.scopes,
    grant: subject.grant,
    holders: [...subject.holders, by],
    origin: subject,
  })
}

/** A program exchanges a token. */
export const exchangeToken: Step = {
  name: 'exchange',
  can: (model) => model.tokens.some((token) => isGood(model, token) !== undefined),
  async run(model, world, choose) {
    const exchange = chooseExchange(model, world, choose)
    return `${exchange.by.name}: ${judgeExchange(model, await sendExchange(exchange), exchange)}`
  },
}
