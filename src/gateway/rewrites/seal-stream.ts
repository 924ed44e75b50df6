import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import type { Rewrite } from '../../upstream/contract.ts'
import type { Authorized } from '../authorize.ts'
import type { Kind, StreamIds } from '../sealed/stream-ids.ts'

const cancelled = 'notifications/cancelled'

/**
 * Replaces the ids of a legacy server's requests in a stream, and the positions in the stream, by ones that
 * only this client can use. Undefined in the modern era, where servers send no requests. `sessionOf` tells the
 * server's session, which the head of the answer to `initialize` names.
 */
export function streamSealer(
  ids: StreamIds,
  { principal, upstream, call }: Authorized,
  sessionOf: () => string | undefined,
): Rewrite | undefined {
  if (call.era === 'modern') return undefined
  const sealText = (kind: Kind, text: string): string =>
    ids.seal(kind, text, { principal, upstream: upstream.name, session: sessionOf() })
  const seal: Seal = (kind, id) => sealText(kind, JSON.stringify(id))
  return {
    documents: false,
    concerns: (text) => text.includes('"method"') && (text.includes('"id"') || text.includes('"requestId"')),
    change(message) {
      if (!isJsonObject(message) || typeof message['method'] !== 'string') return message
      const { id, method } = message
      if (id !== undefined) return sealRequest(message, seal)
      const requestId = isJsonObject(message['params']) ? message['params']['requestId'] : undefined
      if (method !== cancelled || requestId === undefined) return message
      return {
        ...message,
        params: { ...(message['params'] as JsonObject), requestId: seal('request', requestId) },
      }
    },
    // Without a session there is nothing that a client could come back to.
    sealPlace:
      call.opening === undefined && sessionOf() === undefined
        ? undefined
        : (place) => (sessionOf() === undefined ? undefined : sealText('place', place)),
  }
}

type Seal = (kind: 'request' | 'progress', id: unknown) => string

/** A request of the server, and the token by which the client reports on it. */
function sealRequest(message: JsonObject, seal: Seal): JsonObject {
  const { id, params } = message
  const meta = isJsonObject(params) ? params['_meta'] : undefined
  const progressToken = isJsonObject(meta) ? meta['progressToken'] : undefined
  if (progressToken === undefined) return { ...message, id: seal('request', id) }
  const sealedMeta = { ...(meta as JsonObject), progressToken: seal('progress', progressToken) }
  return { ...message, id: seal('request', id), params: { ...(params as JsonObject), _meta: sealedMeta } }
}
