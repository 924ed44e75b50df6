import type { TokenAnswer } from '../support/oauth.ts'
import { idleEnd, isRefused, takeTokens } from './answers.ts'
import type { Step } from './command.ts'
import { userPrograms } from './sign-in.ts'
import { type Code, endGrants, isKnown, isStanding, type Model, type Program } from './state.ts'

/** The first refresh token of a grant. */
export function takeFirst(model: Model, answer: TokenAnswer, { grant }: Pick<Code, 'grant'>): void {
  takeTokens(model, answer, grant, grant.scopes)
  grant.refreshTokens.push(answer.body.refresh_token)
  grant.idleAt = idleEnd(grant)
}

/** A code is redeemed by a program: once, by its own, with its verifier, in time. */
export function judgeCode(
  model: Model,
  answer: TokenAnswer,
  {
    code,
    by,
    verifier,
  }: {
    readonly code: Code
    readonly by: Program
    readonly verifier: string
  },
): string {
  const { grant } = code
  if (!isKnown(by)) {
    isRefused(answer, 'invalid_client')
    return 'unknown program'
  }
  const isOver = by !== grant.program || Date.now() >= code.endsAt || !isStanding(grant)
  if (isOver || verifier !== code.verifier) {
    isRefused(answer, 'invalid_grant')
    return 'refused'
  }
  if (code.used) {
    isRefused(answer, 'invalid_grant')
    endGrants(model, 'its code was redeemed twice', (one) => one === grant)
    return 'twice'
  }
  code.used = true
  takeFirst(model, answer, code)
  return 'redeemed'
}

/** Codes that are good for tokens. */
export function openCodes({ codes }: Model): Code[] {
  return codes.filter(
    ({ used, endsAt, grant }) => !used && Date.now() < endsAt && isStanding(grant) && isKnown(grant.program),
  )
}

/** Redeems a code as it should be. */
export function sendCode(code: Code): Promise<TokenAnswer> {
  const { oauth, credential } = code.grant.program
  return oauth.redeem({ ...code, callback: new URL(oauth.redirectUri) }, credential)
}

async function redeemOne(
  model: Model,
  chosen: { code: Code; by: Program; verifier: string },
): Promise<string> {
  const { code, by, verifier } = chosen
  const { oauth, credential } = by
  const answer = await oauth.redeem({ ...code, verifier, callback: new URL(oauth.redirectUri) }, credential)
  return `${by.name}: ${judgeCode(model, answer, chosen)}`
}

/** A program redeems a code as it should. */
export const redeem: Step = {
  name: 'redeem',
  can: (model) => openCodes(model).length > 0,
  run(model, _world, choose) {
    const code = choose.of(openCodes(model))
    return redeemOne(model, { code, by: code.grant.program, verifier: code.verifier })
  },
}

/** Some program redeems some code, perhaps without its verifier. */
export const misuseCode: Step = {
  name: 'misuse a code',
  can: ({ codes }) => codes.length > 0,
  run(model, _world, choose) {
    const code = choose.of(model.codes)
    const by = choose.once(3) ? choose.of(userPrograms(model)) : code.grant.program
    const verifier = choose.once(3) ? 'w'.repeat(43) : code.verifier
    return redeemOne(model, { code, by, verifier })
  },
}
