import { Refusal } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json-object.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import type { Authorized } from '../authorize.ts'
import type { Call } from '../call.ts'
import type { SessionClaim } from './session.ts'
import type { StreamIds } from './stream-ids.ts'

declare const brand: unique symbol

/**
 * A call whose answers and progress reports concern only requests that its caller was sent. Only
 * `openAnswers` makes one.
 */
export type Answering = Call & { readonly [brand]: true }

const progress = 'notifications/progress'

/**
 * Replaces the ids that a client was given with the server's requests by the server's own ids. Throws
 * `response_unexpected` for an id that was not given out in this session (MCP 2025-11-25, Security Best
 * Practices), and `session_unknown`.
 */
export function openAnswers(
  ids: StreamIds,
  { principal, upstream }: Authorized,
  call: Call,
  session: SessionClaim,
): Answering {
  const reports = call.dialect.era === 'legacy' && call.methods.some(({ row }) => row.method === progress)
  if (!call.hasAnswers && !reports) return call as Answering
  if (session === 'foreign') throw new Refusal('session_unknown')
  const upstreamId = typeof session === 'object' ? session.upstreamId : undefined
  const owner = { principal, upstream: upstream.name, session: upstreamId }
  const open = (kind: 'request' | 'progress', id: unknown): unknown => {
    const text = typeof id === 'string' ? ids.open(kind, id, owner) : undefined
    if (text === undefined) throw new Refusal('response_unexpected')
    return parseLossless(text)
  }
  const value = parseLossless(call.body?.toString() ?? '')
  for (const message of [value].flat() as Record<string, unknown>[]) {
    const { method, params } = message
    if (method === undefined) message['id'] = open('request', message['id'])
    else if (method === progress && isJsonObject(params))
      message['params'] = { ...params, progressToken: open('progress', params['progressToken']) }
  }
  return { ...call, body: Buffer.from(JSON.stringify(value)) } as Answering
}
