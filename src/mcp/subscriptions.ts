import type { JsonObject } from '../core/json-object.ts'
import { metaKeys } from './meta-keys.ts'

/**
 * The entries of the filter of `subscriptions/listen` (MCP 2026-07-28, Subscriptions), each with the method
 * that requests what it notifies of, and whose scopes it therefore needs.
 */
export const filterEntries: Readonly<Record<string, string>> = {
  toolsListChanged: 'tools/list',
  promptsListChanged: 'prompts/list',
  resourcesListChanged: 'resources/list',
  resourceSubscriptions: 'resources/subscribe',
  taskIds: 'tasks/get',
}

/** How many resources or tasks one subscription names at most, since each is a decision of its own. */
export const mostSubscribed = 256

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
