import { errorKinds } from '../core/errors.ts'
import { writeEvent } from '../http/event-stream.ts'
import type { RequestId } from '../mcp/message.ts'

/**
 * The event that ends a stream that the server cut: an error for the request that it belonged to. Undefined
 * if no request waits.
 */
export function closeCutStream(id: RequestId | undefined): string | undefined {
  if (id === undefined) return undefined
  const { rpc: code, message } = errorKinds.upstream_interrupted
  return writeEvent({ jsonrpc: '2.0', id, error: { code, message } })
}
