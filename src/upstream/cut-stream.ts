import { errorKinds } from '../core/errors.ts'
import { isJsonObject } from '../core/json-object.ts'
import { eventReader, writeEvent } from '../http/event-stream.ts'
import { idKey, parseLossless } from '../mcp/lossless.ts'
import type { RequestId } from '../mcp/message.ts'

/**
 * The event that ends a stream that was cut: an error for the request `id` that it belonged to, which says by
 * whom, or why. Nothing if the answer is among the last events, which are untrusted, or if these are too long
 * for anything else.
 */
export function closeCutStream(
  id: RequestId,
  last: Buffer | undefined,
  kind: 'upstream_interrupted' | 'upstream_invalid' | 'gateway_interrupted',
): string {
  if (last === undefined || hasAnswer(last, id)) return ''
  const { rpc: code, message } = errorKinds[kind]
  return writeEvent({ jsonrpc: '2.0', id, error: { code, message } })
}

function hasAnswer(events: Buffer, id: RequestId): boolean {
  return eventReader(Number.POSITIVE_INFINITY)(events)
    .flatMap(({ data = '' }) => parsed(data))
    .some((message) => isJsonObject(message) && !('method' in message) && idKey(message['id']) === id)
}

function parsed(text: string): unknown {
  try {
    return parseLossless(text)
  } catch {
    return undefined // not JSON, so not an answer
  }
}
