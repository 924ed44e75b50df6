import { errorKinds } from '../core/errors.ts'
import { endsEvent } from '../http/relay.ts'
import type { RequestId } from '../mcp/message.ts'

/**
 * The event that ends a stream which the server cut: the error of the request that it was for. Undefined where none
 * can be sent: no request waits, or the stream stopped in the middle of an event. `tail` is the last chunk of it.
 */
export function closeCutStream(tail: Buffer, id: RequestId | undefined): string | undefined {
  if (id === undefined || !endsEvent(tail)) return undefined
  const { rpc: code, message } = errorKinds.upstream_interrupted
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })}\n\n`
}
