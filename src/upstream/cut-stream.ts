import { errorKinds } from '../core/errors.ts'
import { writeEvent } from '../http/event-stream.ts'
import type { RequestId } from '../mcp/message.ts'

/**
 * The event that ends a stream which the server cut: the error of the request that it was for. Undefined where no
 * request waits.
 */
export function closeCutStream(id: RequestId | undefined): string | undefined {
  if (id === undefined) return undefined
  const { rpc: code, message } = errorKinds.upstream_interrupted
  return writeEvent({ jsonrpc: '2.0', id, error: { code, message } })
}
