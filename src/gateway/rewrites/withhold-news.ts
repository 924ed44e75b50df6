import { isJsonObject } from '../../core/json-object.ts'
import type { Principal } from '../../core/principal.ts'
import { scopesOf } from '../../mcp/methods.ts'
import { newsOf } from '../../mcp/objects.ts'
import { decide } from '../../policy/decide.ts'
import type { Rewrite } from '../../upstream/contract.ts'
import { demandOf } from '../authorize.ts'
import type { Upstream } from '../upstream.ts'

/** Whether a caller may hear of everything, which is the same for each request with a token. */
const unrestricted = new WeakMap<Principal, WeakMap<Upstream, boolean>>()

/** Whether one caller may hear of a kind of change of which the other may not, as far as scopes decide. */
export function hearsMore(one: Principal, other: Principal, upstream: Upstream): boolean {
  for (const use of newsOf.values()) {
    const row = upstream.findMethod(use, 'request', 'legacy')
    const needed = (row && scopesOf(row, {})) ?? []
    if (other.scopes.missing(needed).length > 0 && one.scopes.missing(needed).length === 0) return true
  }
  return false
}

/**
 * Removes from a stream what its caller could not have asked for: that a list has changed that the caller
 * may not see, or a resource that the caller may not subscribe to, by the same decision that such a request
 * gets. Undefined if nothing can be withheld.
 */
export function newsFilter(principal: Principal, upstream: Upstream): Rewrite | undefined {
  const mayHear = (method: string, params: unknown): boolean => {
    const use = newsOf.get(method)
    if (use === undefined) return true
    const row = upstream.findMethod(use, 'request', 'legacy')
    const demand = row && demandOf({ row, params: isJsonObject(params) ? params : {} })
    return demand !== undefined && decide(principal, demand, upstream).kind === 'allow'
  }
  let hearsAll = unrestricted.get(principal)?.get(upstream)
  if (hearsAll === undefined) {
    const { rules, policies } = upstream
    hearsAll =
      rules === undefined &&
      policies === undefined &&
      [...newsOf.keys()].every((method) => mayHear(method, {}))
    const known = unrestricted.get(principal) ?? new WeakMap<Upstream, boolean>()
    unrestricted.set(principal, known.set(upstream, hearsAll))
  }
  if (hearsAll) return undefined
  return {
    documents: false,
    concerns: (text) => text.includes('list_changed') || text.includes('/updated'),
    change: (message) =>
      isJsonObject(message) &&
      typeof message['method'] === 'string' &&
      !mayHear(message['method'], message['params'])
        ? undefined
        : message,
  }
}
