import { Refusal, toRefusal } from '../../core/errors.ts'
import { errorCodes } from '../../mcp/error-codes.ts'
import { metaKeys } from '../../mcp/meta-keys.ts'
import { isRevision, newest } from '../../mcp/revisions.ts'
import { ask, virtualSink } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, errorOf, type Json, metaOf, paramsOf, resultOf } from '../conversation/json-rpc.ts'
import type { Sink } from '../conversation/sink.ts'
import { type Implementation, modernMeta } from '../probe/questions.ts'
import { toLegacyError } from './errors.ts'
import { severityOf } from './log-levels.ts'
import { createParamHeaders } from './param-headers.ts'
import { unbridgeable } from './refuse.ts'
import { sessionChanges } from './session-changes.ts'
import { toLegacyCapabilities, toLegacyNotification, toLegacyResult } from './to-legacy.ts'
import { toModernRequest } from './to-modern.ts'

interface LegacyFaceOptions {
  /** Returns the conversation with the modern server, the same one as long as it lasts. */
  readonly reach: (caller: Caller) => Conversation
  /** The name for `serverInfo` if the server tells none. */
  readonly self: Implementation
  readonly onClosed: () => void
}

const { headerMismatch, invalidParams } = errorCodes
const maxPages = 20
const maxInfoLength = 2000

/**
 * The face of a modern server towards one session of a legacy client. What a legacy server would remember
 * about the session is sent with each request, so nothing that the server keeps is lost with the session.
 */
export function legacyFace({ reach, self, onClosed }: LegacyFaceOptions): Conversation {
  const params = createParamHeaders()
  const running = new Map<Sink, { inner: Sink; conversation: Conversation }>()
  let clientInfo: unknown
  let logLevel: unknown
  let discovered: Promise<Json> | undefined

  const envelope = (): Json => ({
    ...modernMeta({ clientInfo }),
    ...(logLevel === undefined ? {} : { [metaKeys.logLevel]: logLevel }),
  })

  const discover = (caller: Caller): Promise<Json> => {
    discovered ??= ask(
      reach(caller),
      toModernRequest(callOf('server/discover', {}, 'discover'), envelope()),
      caller,
    )
      .then((answer) => {
        const result = asObject(answer['result'])
        if (result === undefined)
          throw new Refusal('upstream_invalid', { reason: 'server/discover was refused' })
        return result
      })
      .catch((error: unknown) => {
        discovered = undefined
        throw error
      })
    return discovered
  }

  const changes = sessionChanges({ reach, discover, envelope })

  const initialize = async (message: Json, sink: Sink, caller: Caller): Promise<void> => {
    const asked = paramsOf(message)
    clientInfo = shortInfo(asked?.['clientInfo'])
    const result = await discover(caller)
    const revision = asked?.['protocolVersion']
    const serverInfo = asObject(metaOf(result)?.[metaKeys.serverInfo])
    const { instructions } = result
    sink.finish(
      resultOf(message['id'], {
        protocolVersion: isRevision(revision) && revision !== newest.modern ? revision : newest.legacy,
        capabilities: toLegacyCapabilities(asObject(result['capabilities']) ?? {}),
        serverInfo: serverInfo ?? { ...self },
        ...(typeof instructions === 'string' ? { instructions } : {}),
      }),
    )
  }

  const setLevel = (message: Json, sink: Sink): void => {
    const level = paramsOf(message)?.['level']
    const id = message['id']
    if (severityOf(level) === undefined) return sink.finish(errorOf(id, invalidParams, 'no such level'))
    logLevel = level
    return sink.finish(resultOf(id, {}))
  }

  /**
   * Learns which tool parameters must be repeated in the headers of a request, which a server may require.
   */
  const learnTools = async (caller: Caller): Promise<void> => {
    let cursor: unknown
    for (let page = 0; page < maxPages; page++) {
      const call = callOf('tools/list', cursor === undefined ? {} : { cursor }, 'tools')
      const result = asObject((await ask(reach(caller), toModernRequest(call, envelope()), caller))['result'])
      if (result === undefined) return
      params.learn(result)
      cursor = result['nextCursor']
      if (typeof cursor !== 'string') return
    }
  }

  const pass = (message: Json, sink: Sink, caller: Caller, isRetry: boolean): void => {
    const { method } = message
    const conversation = reach(caller)
    const inner = virtualSink({
      isClosed: () => sink.closed,
      onOpen: () => sink.open(),
      onMessage: (received) => sink.push(toLegacyNotification(received)),
      onAnswer(answer) {
        running.delete(sink)
        const error = asObject(answer['error'])
        if (error?.['code'] === headerMismatch && method === 'tools/call' && !isRetry) {
          return attempt(sink, message, async () => {
            await learnTools(caller)
            pass(message, sink, caller, true)
          })
        }
        const result = asObject(answer['result'])
        if (method === 'tools/list' && result !== undefined) params.learn(result)
        return sink.finish(legacyAnswer(method, answer))
      },
      onFailure(refusal) {
        running.delete(sink)
        sink.fail(refusal, message['id'])
      },
      onEnd(status) {
        running.delete(sink)
        sink.end(status)
      },
    })
    running.set(sink, { inner, conversation })
    const own = method === 'tools/call' ? params.of(paramsOf(message)) : []
    const headers = [...caller.headers, ...own]
    try {
      conversation.request(toModernRequest(message, envelope()), inner, { ...caller, headers })
    } catch (error) {
      running.delete(sink)
      throw error
    }
  }

  const attempt = (sink: Sink, message: Json, step: () => void | Promise<void>): void => {
    const run = async (): Promise<void> => step()
    run().catch((error: unknown) => sink.fail(toRefusal(error), message['id']))
  }

  return {
    request(message, sink, caller) {
      const { id, method } = message
      const refused = withoutCounterpart(message)
      if (refused !== undefined) return sink.finish(unbridgeable(id, refused))
      if (method === 'ping') return sink.finish(resultOf(id, {}))
      if (method === 'initialize') return attempt(sink, message, () => initialize(message, sink, caller))
      if (method === 'logging/setLevel') return setLevel(message, sink)
      if (method === 'resources/subscribe' || method === 'resources/unsubscribe') {
        return attempt(sink, message, () => changes.subscribe(message, sink, caller))
      }
      return attempt(sink, message, () => pass(message, sink, caller, false))
    },
    tell(message, caller) {
      if (message['method'] === 'notifications/cancelled') reach(caller).tell(message, caller)
    },
    cancel(sink, caller) {
      const found = running.get(sink)
      running.delete(sink)
      found?.conversation.cancel(found.inner, caller)
    },
    listen: (sink, caller) => changes.listen(sink, caller),
    get busy() {
      return running.size > 0 || changes.hasSubscriptions
    },
    get listened() {
      return changes.listened
    },
    async stop() {
      changes.end()
      for (const { inner, conversation } of running.values()) {
        conversation.cancel(inner, { owner: '', principal: '', headers: [] })
        inner.fail(new Refusal('gateway_interrupted', { reason: 'the session was closed' }))
      }
      onClosed()
    },
  }
}

/**
 * The client's description of itself is sent with each request, so it must be short. Everything works without
 * it (DEC6).
 */
function shortInfo(info: unknown): unknown {
  return asObject(info) !== undefined && JSON.stringify(info).length <= maxInfoLength ? info : undefined
}

/** Why a legacy request cannot be sent to a modern server, or undefined if it can. */
function withoutCounterpart(message: Json): string | undefined {
  return String(message['method']).startsWith('tasks/') || paramsOf(message)?.['task'] !== undefined
    ? 'tasks'
    : undefined
}

function legacyAnswer(method: unknown, answer: Json): Json {
  const result = asObject(answer['result'])
  if (result === undefined) return toLegacyError(method, answer)
  const { resultType = 'complete' } = result
  if (resultType === 'complete') return { ...answer, result: toLegacyResult(method, result) }
  return unbridgeable(
    answer['id'],
    resultType === 'input_required' ? 'the server asks the user in its result' : 'tasks',
  )
}
