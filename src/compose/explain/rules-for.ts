import type { UpstreamConfig } from '../../config/schema.ts'
import type { Principal } from '../../core/principal.ts'
import { demandOf } from '../../gateway/authorize.ts'
import type { MethodCall } from '../../gateway/call.ts'
import type { UpstreamPolicy } from '../../gateway/upstream.ts'
import type { PolicyUse, RuleUse } from './contract.ts'

/** A server, as configured. */
export interface Server {
  /** Its position in the configuration. */
  readonly path: string
  readonly setting: UpstreamConfig
  readonly upstream: UpstreamPolicy
}

/** What a server's rules say about each object that a call names; nothing if it has no rules. */
export function rulesFor(method: MethodCall, { path, setting, upstream: { rules } }: Server): RuleUse[] {
  if (rules === undefined) return []
  return (demandOf(method)?.objects ?? []).map((object) => {
    const { isAllowed, list, index, spelling } = rules.judge(object)
    const place = `${path}.objects.${object.kind}.${list}`
    return {
      object: object.name,
      isAllowed,
      setting: index === undefined ? place : `${place}[${index}]`,
      pattern: index === undefined ? undefined : setting.objects[object.kind][list][index],
      understoodAs: spelling === object.name ? undefined : spelling,
    }
  })
}

/** What policies say about a caller and each object that a call names; nothing if there are none. */
export function policiesFor(method: MethodCall, principal: Principal, { upstream }: Server): PolicyUse[] {
  const policies = upstream.policies ?? upstream.proposed
  if (policies === undefined) return []
  return (demandOf(method)?.objects ?? []).map((object) => {
    return {
      object: object.name,
      decides: policies === upstream.policies,
      ...policies.judge(principal, object),
    }
  })
}
