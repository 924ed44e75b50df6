import { Refusal } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { ScopeSet } from '../../core/scope.ts'
import { decideCall, demandOf, neededScopes } from '../../gateway/authorize.ts'
import type { MethodCall } from '../../gateway/call.ts'
import { challengeStepUp } from '../../gateway/challenge-step-up.ts'
import { unknownMethod } from '../../gateway/read-call.ts'
import type { UpstreamPolicy } from '../../gateway/upstream.ts'
import { type Demand, toolScope } from '../../policy/decide.ts'
import type { AskedCall, Verdict } from './contract.ts'
import { mendCall } from './mend-call.ts'
import { rulesFor, type Server } from './rules-for.ts'

/** The outcome of a principal's call, following the gateway's steps from `readCall` to `authorize`. */
export async function judgeCall(principal: Principal, asked: AskedCall, server: Server): Promise<Verdict> {
  const { upstream } = server
  const found: Found = { method: undefined, needs: undefined, challenge: [] }
  let refusal: Refusal | undefined
  try {
    await walk(principal, asked, upstream, found)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    refusal = error
  }
  const { method, needs, challenge } = found
  const missing = refusal?.detail.missing ?? []
  const alternative = method && demandOf(method)?.alternative
  const isFor = alternative !== undefined && needs?.includes(alternative.insteadOf)
  const orElse = isFor === true ? toolScope(alternative.tool) : undefined
  const rules = method === undefined ? [] : rulesFor(method, server)
  return {
    decision: refusal === undefined ? 'allow' : refusal.code === 'scope_insufficient' ? 'challenge' : 'deny',
    answer: refusal && {
      status: refusal.status,
      error: refusal.code,
      why: refusal.detail.reason ?? refusal.message,
    },
    needs,
    orElse,
    coveredBy: coverage(principal.scopes, needs ?? [], alternative),
    missing,
    challenge,
    rules,
    mend: refusal === undefined ? [] : mendCall(refusal, asked, { server, rules, challenge, orElse }),
  }
}

interface Found {
  method: MethodCall | undefined
  needs: readonly string[] | undefined
  challenge: readonly string[]
}

const nobody = { remember: () => Promise.resolve() }

/** Throws what the gateway would answer; leaves in `found` what was learned before that. */
async function walk(
  principal: Principal,
  { method, era, params }: AskedCall,
  upstream: UpstreamPolicy,
  found: Found,
): Promise<void> {
  const kind = method.startsWith('notifications/') ? 'notification' : 'request'
  const row = upstream.findMethod(method, kind, era)
  if (row === undefined) throw unknownMethod({ kind, method }, era)
  found.method = { row, params }
  const call = { methods: [found.method] }
  found.needs = neededScopes(call)
  const { kind: decision } = decideCall(principal, upstream, call, found.needs)
  if (decision === 'deny') throw new Refusal('object_denied')
  if (decision === 'allow') return
  try {
    const context = { needed: found.needs, upstream }
    await challengeStepUp(nobody, principal, { era, methods: [method] }, context)
  } catch (error) {
    if (error instanceof Refusal) found.challenge = error.detail.challenge?.scopes ?? []
    throw error
  }
}

/** For each needed scope, the granted scope that implies it. */
function coverage(
  granted: ScopeSet,
  needs: readonly string[],
  alternative: Demand['alternative'],
): Readonly<Record<string, string>> {
  const covering: Record<string, string> = {}
  for (const need of needs) {
    const enough = alternative?.insteadOf === need ? [need, toolScope(alternative.tool)] : [need]
    const scope = granted.list.find((one) => enough.some((each) => new ScopeSet([one]).covers(each)))
    if (scope !== undefined) covering[need] = scope
  }
  return covering
}
