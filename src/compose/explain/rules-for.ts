import type { UpstreamConfig } from '../../config/schema.ts'
import { demandOf } from '../../gateway/authorize.ts'
import type { MethodCall } from '../../gateway/call.ts'
import type { UpstreamPolicy } from '../../gateway/upstream.ts'
import type { RuleUse } from './contract.ts'

/** A server, as the configuration has it. */
export interface Server {
  /** Where it stands in the configuration. */
  readonly path: string
  readonly setting: UpstreamConfig
  readonly upstream: UpstreamPolicy
}

/** What the rules of a server say of each object that a call names; nothing where it has none. */
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
