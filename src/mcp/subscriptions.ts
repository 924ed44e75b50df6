import type { JsonObject } from './json.ts'
import { metaKeys } from './meta-keys.ts'

/**
 * Whether an entry of a listen filter asks for anything: it can be missing, false, or an empty list.
 * Untrusted.
 */
export function isAskedFor(entry: unknown): boolean {
  return entry !== undefined && entry !== false && !(Array.isArray(entry) && entry.length === 0)
}

/** The answer to `subscriptions/listen`, which comes last and ends the stream (DEC1). */
export function endOfListening(id: unknown): JsonObject {
  return { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: id } } }
}
