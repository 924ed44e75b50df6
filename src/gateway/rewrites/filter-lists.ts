import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import type { Principal } from '../../core/principal.ts'
import { type ListShape, lists } from '../../mcp/objects.ts'
import { type Decision, decide } from '../../policy/decide.ts'
import type { Rewrite } from '../../upstream/contract.ts'
import { demandOf } from '../authorize.ts'
import type { CallSummary } from '../call.ts'
import type { Upstream } from '../upstream.ts'

/**
 * Cuts the lists in an answer down to what the caller may use, by the same decision that calls get;
 * undefined if nothing can be hidden, so that the answer passes untouched. A filtered list is specific to
 * its caller, so no cache may share it (MCP 2026-07-28, caching).
 */
export function listFilter(principal: Principal, upstream: Upstream, call: CallSummary): Rewrite | undefined {
  const { rules, policies, listing, findMethod } = upstream
  if (rules === undefined && policies === undefined && listing === 'reachable') return undefined
  // A stream that is reopened can repeat the answer to any request.
  if (call.verb !== 'GET' && !call.methods.some((method) => lists.has(method))) return undefined

  /** The item as it is shown, or nothing if it is hidden. */
  const show = ({ kind, nameMember, use }: ListShape, item: unknown): readonly unknown[] => {
    const name = isJsonObject(item) ? item[nameMember] : undefined
    if (!isJsonObject(item) || typeof name !== 'string') return []
    const row = findMethod(use, 'request', 'legacy')
    const demand = row && demandOf({ row, params: { name, uri: name } })
    if (demand === undefined) return []
    const decision = decide(principal, { ...demand, objects: [{ kind, name }] }, upstream)
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

/**
 * The `_meta` key of a list item with the scopes that using it would still require. Absent if it can be
 * used now.
 */
const missingScopesKey = 'portcullis/missingScopes'

/**
 * Marks an item with the scopes that it still requires. If the server sent this key itself, it is removed.
 */
function mark(item: JsonObject, decision: Decision): JsonObject {
  const { _meta, ...rest } = item
  const { [missingScopesKey]: _, ...others } = isJsonObject(_meta) ? _meta : {}
  if (decision.kind === 'step-up')
    return { ...rest, _meta: { ...others, [missingScopesKey]: decision.missing } }
  return isJsonObject(_meta) && missingScopesKey in _meta ? { ...rest, _meta: others } : item
}
