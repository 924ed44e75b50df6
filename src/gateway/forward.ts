import { Refusal } from '../core/errors.ts'
import { refusalWhereBusy } from '../http/busy.ts'
import { type Exchange, forgetHead } from '../http/exchange.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import { refusalWhereRedirected } from '../http/redirect.ts'
import type { AnswerHeaders, ResponseHead } from '../http/relay.ts'
import type { Rewrite } from '../upstream/contract.ts'
import type { Place } from './admission.ts'
import type { Outbound } from './attach-credential.ts'
import type { Authorized } from './authorize.ts'
import { isEndless } from './call.ts'
import { combineRewrites } from './rewrites/combine-rewrites.ts'
import { listFilter } from './rewrites/filter-lists.ts'
import { streamSealer } from './rewrites/seal-stream.ts'
import { taskSealer } from './rewrites/seal-tasks.ts'
import { newsFilter } from './rewrites/withhold-news.ts'
import { questionFilter } from './rewrites/withhold-questions.ts'
import type { Opened } from './sealed/open-tasks.ts'
import type { Sessions } from './sealed/session.ts'
import type { StreamIds } from './sealed/stream-ids.ts'
import type { TaskIds } from './sealed/task-ids.ts'

/**
 * Response headers of a server that the client gets to see. Cookies, challenges and CORS are up to the
 * gateway.
 */
const passed = [
  'content-type',
  'content-length',
  'content-encoding',
  'cache-control',
  'retry-after',
  'mcp-protocol-version',
]

/**
 * Sends the request to the MCP server and streams the answer to the client. A credential that the server
 * rejects is not used again; the request is not repeated, since it may have had an effect.
 */
export function forward(
  {
    sessions,
    streamIds,
    taskIds,
  }: { readonly sessions: Sessions; readonly streamIds: StreamIds; readonly taskIds: TaskIds },
  opened: Opened,
  outbound: Outbound,
  { exchange, place }: { readonly exchange: Exchange; readonly place: Place },
): Promise<void> {
  const { allowed } = opened
  const { principal, upstream, call } = allowed
  const { connector, credential } = upstream
  const presented = outbound.credential
  let { session } = outbound
  const rewrite = combineRewrites([
    questionFilter(upstream),
    newsFilter(principal, upstream),
    listFilter(principal, upstream, call),
    taskSealer(taskIds, opened),
    streamSealer(streamIds, allowed, () => session),
  ])
  const sent = connector.send(outbound, {
    res: exchange.res,
    accept(status, headers) {
      const named = headers['mcp-session-id']
      if (call.opening !== undefined && typeof named === 'string') session = named
      return acceptAnswer(sessions, allowed, exchange, { status, headers, rewrite })
    },
    rewrite,
    onLeft: (over) => place.outlast(over),
  })
  if (credential.refused === undefined) return sent
  return sent.catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'upstream_refused') {
      credential.refused?.(principal, presented)
    }
    throw error
  })
}

/**
 * Decides what of an answer reaches the client. A server's 401 never does, since the client's credentials
 * were right; nor does a redirect, or anything that is not MCP. Throws the refusal that the client gets
 * instead.
 */
function acceptAnswer(
  sessions: Sessions,
  { call, principal, upstream }: Authorized,
  exchange: Exchange,
  answer: { readonly status: number; readonly headers: AnswerHeaders; readonly rewrite: Rewrite | undefined },
): ResponseHead {
  const { status, headers, rewrite } = answer
  const type = mediaTypeOf(headers['content-type'])
  const streams = type === 'text/event-stream'
  const isRewritten = rewrite !== undefined && (streams || rewrite.documents)
  const hasSession = call.opening === undefined && exchange.head.sessionId !== undefined
  const refusal =
    refusalWhereRedirected(status, headers) ??
    refusalFor(status, type, call, hasSession) ??
    refusalWhereBusy(status, headers)
  if (refusal !== undefined) throw refusal
  if (isRewritten && isEncoded(headers))
    throw new Refusal('upstream_invalid', { reason: 'the answer is compressed, which nobody asked for' })

  const reply = [...exchange.baseHeaders]
  for (const name of passed) {
    const value = headers[name]
    // A stream may end differently from what its server intended, so its length is not announced.
    if (typeof value === 'string' && !((streams || isRewritten) && name === 'content-length'))
      reply.push(name, value)
  }
  if (streams) reply.push('X-Accel-Buffering', 'no')
  const upstreamId = headers['mcp-session-id']
  if (typeof upstreamId === 'string' && call.era === 'legacy') {
    // Servers may repeat the id of an open session; the client keeps the one it has.
    const sealed =
      call.opening === undefined
        ? exchange.head.sessionId
        : sessions.seal(upstreamId, call.opening, { principal, upstream: upstream.name })
    if (sealed !== undefined) reply.push('Mcp-Session-Id', sealed)
  }
  if (streams && isEndless(call)) forgetHead(exchange)
  // Some servers accept with 200 what has no answer (MCP O3).
  const isAccepted = call.verb === 'POST' && status === 200 && !carriesMessage(type)
  return { status: isAccepted ? 202 : status, headers: reply }
}

function refusalFor(
  status: number,
  type: string,
  call: Authorized['call'],
  hasSession: boolean,
): Refusal | undefined {
  const reason = `the server answered ${status} ${type}`
  if (status === 401 || status === 407) return new Refusal('upstream_refused', { reason })
  // Many servers without streams and sessions answer these methods with 404 or 501, or GET with a page.
  const isPage = call.verb === 'GET' && status < 300 && type !== 'text/event-stream'
  const isAbsent = status === 405 || status === 501 || (status === 404 && !hasSession)
  if (isPage || (call.verb !== 'POST' && isAbsent)) return new Refusal('method_not_allowed')
  if (status === 404 && call.era === 'legacy') {
    // A 404 to the first request, or outside a session, means a wrong address, not a lost session.
    return hasSession ? new Refusal('session_unknown') : new Refusal('upstream_invalid', { reason })
  }
  const awaitsMessage = status === 200 && call.methods.some((method) => !method.startsWith('notifications/'))
  if (carriesMessage(type) || (status < 300 && !awaitsMessage)) return undefined
  return new Refusal('upstream_invalid', { reason })
}

function carriesMessage(type: string): boolean {
  return type === 'application/json' || type === 'text/event-stream'
}

function isEncoded(headers: AnswerHeaders): boolean {
  const encoding = headers['content-encoding']
  return encoding !== undefined && encoding !== 'identity'
}
