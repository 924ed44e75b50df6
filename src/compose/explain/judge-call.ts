import { Refusal } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { ScopeSet } from '../../core/scope.ts'
import { decideCall, demandOf, denial, neededScopes } from '../../gateway/authorize.ts'
import type { MethodCall } from '../../gateway/call.ts'
import { challengeStepUp } from '../../gateway/challenge-step-up.ts'
import { unknownMethod } from '../../gateway/read-call.ts'
import type { UpstreamPolicy } from '../../gateway/upstream.ts'
import { type Demand, toolScope } from '../../policy/decide.ts'
import type { AskedCall, Verdict } from './contract.ts'
import { mendCall } from './mend-call.ts'
import { policiesFor, rulesFor, type Server } from './rules-for.ts'

/** The outcome of a principal's call, following the gateway's steps from `readCall` to `authorize`. */
export async function judgeCall(principal: Principal, asked: AskedCall, server: Server): Promise<Verdict> {
  const { upstream } = server
  const { method: name, era, params } = asked
  const kind = name.startsWith('notifications/') ? 'notification' : 'request'
  const row = upstream.findMethod(name, kind, era)
  const method = row && { row, params }
  const refusal =
    method === undefined
      ? unknownMethod({ kind, method: name }, era)
      : await refusalOf(principal, asked, { method, upstream })
  const demand = method && demandOf(method)
  const needs = demand?.scopes
  const alternative = demand?.alternative
  const isFor = alternative !== undefined && needs?.includes(alternative.insteadOf)
  const orElse = isFor === true ? toolScope(alternative.tool) : undefined
  const rules = method === undefined ? [] : rulesFor(method, server)
  const policies = method === undefined ? [] : policiesFor(method, principal, server)
  const challenge = refusal?.detail.challenge?.scopes ?? []
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
    missing: refusal?.detail.missing ?? [],
    challenge,
    rules,
    policies,
    mend:
      refusal === undefined
        ? []
        : mendCall(refusal, asked, { server, rules, policies, principal, challenge, orElse }),
  }
}

/** An explanation tells the authorization server nothing. */
const noMemory = { remember: () => Promise.resolve() }

/** What the gateway would refuse the call with; undefined if it would go on to the server. */
async function refusalOf(
  principal: Principal,
  { method: name, era }: AskedCall,
  { method, upstream }: { readonly method: MethodCall; readonly upstream: UpstreamPolicy },
): Promise<Refusal | undefined> {
  const call = { methods: [method] }
  try {
    const needed = neededScopes(call)
    const decision = decideCall(principal, upstream, call, needed)
    if (decision.kind === 'deny') return denial(decision)
    if (decision.kind === 'step-up')
      await challengeStepUp(noMemory, principal, { era, methods: [name] }, { needed, upstream })
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error
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
    // Whatever implies the need implies the scope of the tool below it.
    const enough = alternative?.insteadOf === need ? toolScope(alternative.tool) : need
    const scope = granted.list.find((one) => new ScopeSet([one]).covers(enough))
    if (scope !== undefined) covering[need] = scope
  }
  return covering
}
