import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import { mediaTypeOf } from '../../http/media-type.ts'
import type { Era } from '../../mcp/revisions.ts'
import { refusalForStatus } from '../conversation/http-status.ts'
import { passedHeaders } from '../conversation/passed-headers.ts'
import { asRefusal, parseMessages, readEvents, readJsonMessages } from '../conversation/read-messages.ts'
import { endSession } from '../streamable/open-session.ts'
import { messageHeaders } from '../streamable/request-headers.ts'
import { confirms, type Implementation, questionFor } from './questions.ts'
import type { AskServer, Speaks } from './verdicts.ts'

interface AskHttpOptions {
  readonly dispatcher: Dispatcher
  readonly url: string
  /** Whether it may be a server of HTTP+SSE. */
  readonly trySse: boolean
  readonly self: Implementation
  readonly timeoutSeconds: number
}

/** Asks a server at a URL, in the order of the specification: POST first, and GET if that is refused. */
export function askHttp({ dispatcher, url, trySse, self, timeoutSeconds }: AskHttpOptions): AskServer {
  const { origin, pathname, search } = new URL(url)
  const target = { origin, path: pathname + search }

  const post = async (
    era: Era,
    {
      headers,
      before,
      signal,
    }: { headers: readonly string[]; before: Speaks | undefined; signal: AbortSignal },
  ): Promise<boolean> => {
    const question = questionFor(era, self)
    const own = [...headers, ...messageHeaders(question, era, { id: undefined, revision: undefined })]
    const answer = await dispatcher.request({
      ...target,
      method: 'POST',
      headers: own,
      body: JSON.stringify(question),
      signal,
    })
    const speaks = await readVerdict(era, answer, before)
    const id = answer.headers['mcp-session-id']
    // Nobody needs the session that the question opened.
    if (era === 'legacy' && typeof id === 'string')
      void endSession(
        { dispatcher, url, responseSeconds: timeoutSeconds },
        { id, revision: undefined },
        headers,
      )
    return speaks
  }

  const streams = async (headers: readonly string[], signal: AbortSignal): Promise<boolean> => {
    const own = [...headers, 'Accept', 'text/event-stream']
    const {
      statusCode,
      headers: given,
      body,
    } = await dispatcher.request({
      ...target,
      method: 'GET',
      headers: own,
      signal,
    })
    if (statusCode !== 200 || mediaTypeOf(given['content-type']) !== 'text/event-stream') {
      await body.dump()
      return false
    }
    for await (const { type, data } of readEvents(body)) {
      // A retry time of its own is no event (WHATWG HTML, "Server-sent events").
      if (data !== undefined) return type === 'endpoint'
    }
    return false
  }

  return async (era, all, before) => {
    const headers = passedHeaders(all)
    const signal = AbortSignal.timeout(timeoutSeconds * 1000)
    try {
      if (await post(era, { headers, before, signal })) return 'native'
      return era === 'legacy' && trySse && (await streams(headers, signal)) ? 'sse' : 'no'
    } catch (error) {
      if (signal.aborted) throw new Refusal('upstream_timeout', { reason: 'no answer to the probe' })
      throw asRefusal(error)
    }
  }
}

/**
 * Refusals, busy servers and proxies without a server behind them say nothing about the era. An internal
 * error says nothing about a server that spoke the era before either; a server that never spoke it may know
 * no better answer.
 */
async function readVerdict(
  era: Era,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  before: Speaks | undefined,
): Promise<boolean> {
  const isAbsent = (statusCode >= 502 && statusCode <= 504) || (statusCode >= 500 && before === 'native')
  const refusal =
    refusalForStatus(statusCode, headers) ??
    (isAbsent
      ? new Refusal('upstream_unreachable', { reason: `the server answered ${statusCode} to the probe` })
      : undefined)
  const type = mediaTypeOf(headers['content-type'])
  if (refusal !== undefined || (type !== 'application/json' && type !== 'text/event-stream')) {
    await body.dump()
    if (refusal !== undefined) throw refusal
    return false
  }
  if (type === 'application/json') {
    return (await readJsonMessages(body)).some((message) => confirms(era, message))
  }
  for await (const { type: event, data = '' } of readEvents(body)) {
    // A server of HTTP+SSE may open its stream for any method.
    if (event === 'endpoint') return false
    // Log messages and pings may come before the answer.
    const answers = data === '' ? [] : parseMessages(data).filter(({ method }) => method === undefined)
    if (answers.length > 0) return answers.some((message) => confirms(era, message))
  }
  return false
}
