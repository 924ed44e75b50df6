import type { Principal } from '../core/principal.ts'
import { isJsonObject, type JsonObject } from '../mcp/json.ts'
import { type ListShape, lists } from '../mcp/objects.ts'
import { type Decision, decide } from '../policy/decide.ts'
import type { Rewrite } from '../upstream/contract.ts'
import { demandOf } from './authorize.ts'
import type { CallSummary } from './call.ts'
import type { Upstream } from './upstream.ts'

/**
 * How the lists in the answer to a call are cut down to what its caller may use, by the very decision that calls meet;
 * undefined where nothing can be hidden, so that the answer passes untouched. What a caller does not see is nobody
 * else's to see either, so no cache may share it (MCP 2026-07-28, caching).
 */
export function listFilter(principal: Principal, upstream: Upstream, call: CallSummary): Rewrite | undefined {
  const { rules, listing, findMethod } = upstream
  if (rules === undefined && listing === 'reachable') return undefined
  // A stream that is opened anew can repeat the answer to any request.
  if (call.verb !== 'GET' && !call.methods.some((method) => lists.has(method))) return undefined

  /** The item as it is shown: none where it is not. */
  const show = ({ kind, nameMember, use }: ListShape, item: unknown): readonly unknown[] => {
    const name = isJsonObject(item) ? item[nameMember] : undefined
    if (!isJsonObject(item) || typeof name !== 'string') return []
    const row = findMethod(use, 'request', 'legacy')
    const demand = row && demandOf({ row, params: { name, uri: name } })
    if (demand === undefined) return []
    const decision = decide(principal.scopes, { ...demand, objects: [{ kind, name }] }, rules)
    if (decision.kind === 'deny' || (decision.kind === 'step-up' && listing === 'callable')) return []
    return [listing === 'marked' ? mark(item, decision) : item]
  }

  const isModern = call.era === 'modern'
  const change = (message: unknown): unknown => {
    const result = isJsonObject(message) ? message['result'] : undefined
    if (!isJsonObject(result)) return message
    const shown: Record<string, unknown> = {}
    for (const shape of lists.values()) {
      const items = result[shape.member]
      if (items !== undefined)
        shown[shape.member] = Array.isArray(items) ? items.flatMap((item) => show(shape, item)) : []
    }
    if (Object.keys(shown).length === 0) return message
    const cacheScope = isModern || 'cacheScope' in result ? { cacheScope: 'private' } : {}
    return { ...(message as object), result: { ...result, ...shown, ...cacheScope } }
  }
  return { change, concerns: () => true, documents: true }
}

/** In `_meta` of what a list shows: the scopes that its use would ask for. Absent from what can be used now. */
const missingScopesKey = 'portcullis/missingScopes'

/** Says of an item what its use lacks. What a server says in our name is taken away. */
function mark(item: JsonObject, decision: Decision): JsonObject {
  const { _meta, ...rest } = item
  const { [missingScopesKey]: _, ...others } = isJsonObject(_meta) ? _meta : {}
  if (decision.kind === 'step-up')
    return { ...rest, _meta: { ...others, [missingScopesKey]: decision.missing } }
  return isJsonObject(_meta) && missingScopesKey in _meta ? { ...rest, _meta: others } : item
}
