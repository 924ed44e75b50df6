import type { Principal } from '../core/principal.ts'
import { isJsonObject } from '../mcp/json.ts'
import { type ListShape, lists } from '../mcp/objects.ts'
import { decide } from '../policy/decide.ts'
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

  const isShown = ({ kind, nameMember, use }: ListShape, item: unknown): boolean => {
    const name = isJsonObject(item) ? item[nameMember] : undefined
    if (typeof name !== 'string') return false
    const row = findMethod(use, 'request', 'legacy')
    const demand = row && demandOf({ row, params: { name, uri: name } })
    if (demand === undefined) return false
    const decision = decide(principal.scopes, { ...demand, objects: [{ kind, name }] }, rules)
    return listing === 'callable' ? decision.kind === 'allow' : decision.kind !== 'deny'
  }

  const isModern = call.era === 'modern'
  const change = (message: unknown): unknown => {
    const result = isJsonObject(message) ? message['result'] : undefined
    if (!isJsonObject(result)) return message
    const shown: Record<string, unknown> = {}
    for (const shape of lists.values()) {
      const items = result[shape.member]
      if (items !== undefined)
        shown[shape.member] = Array.isArray(items) ? items.filter((item) => isShown(shape, item)) : []
    }
    if (Object.keys(shown).length === 0) return message
    const cacheScope = isModern || 'cacheScope' in result ? { cacheScope: 'private' } : {}
    return { ...(message as object), result: { ...result, ...shown, ...cacheScope } }
  }
  return { change, concerns: () => true, documents: true }
}
