import { errorCodes } from '../../mcp/error-codes.ts'
import { mostSubscribed } from '../../mcp/subscriptions.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, errorOf, type Json, paramsOf, resultOf } from '../conversation/json-rpc.ts'
import { createListeners } from '../conversation/listeners.ts'
import type { Sink } from '../conversation/sink.ts'
import { type ChangeStream, changeStream } from './change-stream.ts'

/** Of what the client of a legacy session is notified, and where. */
interface SessionChanges {
  /** Answers `resources/subscribe` and `resources/unsubscribe`. */
  subscribe(message: Json, sink: Sink, caller: Caller): Promise<void>
  /** Notifies a stream of the client from now on. Returns a function that ends that. */
  listen(sink: Sink, caller: Caller): () => void
  readonly listened: boolean
  /** Whether somebody listens to subscriptions, which are kept only here. */
  readonly hasSubscriptions: boolean
  end(): void
}

interface ChangePorts {
  readonly reach: (caller: Caller) => Conversation
  /** The server's answer to `server/discover`. */
  readonly discover: (caller: Caller) => Promise<Json>
  /** What each request to the server carries. */
  readonly envelope: () => Json
}

const { invalidParams } = errorCodes

/** The changes of one session: as long as its client listens, one stream from the server is open for it. */
export function sessionChanges({ reach, discover, envelope }: ChangePorts): SessionChanges {
  const uris = new Set<string>()
  const listeners = createListeners()
  let changes: ChangeStream | undefined

  const renew = async (caller: Caller): Promise<ReadonlySet<string>> => {
    const stream = changes
    if (stream === undefined) return uris // nobody is listening yet
    const capabilities = asObject((await discover(caller))['capabilities']) ?? {}
    if (changes !== stream) return uris // nobody is listening any more
    return stream.renew({ conversation: reach(caller), capabilities, envelope: envelope(), uris, caller })
  }

  /**
   * If the server refuses to notify, or ends its stream, the client's streams end, and the client reconnects.
   */
  const begin = (caller: Caller): void => {
    const end = (): void => {
      if (changes !== stream) return
      changes = undefined
      listeners.end()
    }
    const stream = changeStream((change) => listeners.current?.push(change), end)
    changes = stream
    renew(caller).catch(end)
  }

  const stop = (): void => {
    changes?.end()
    changes = undefined
  }

  return {
    async subscribe(message, sink, caller) {
      const uri = paramsOf(message)?.['uri']
      const id = message['id']
      if (typeof uri !== 'string') return sink.finish(errorOf(id, invalidParams, 'uri must be a string'))
      if (message['method'] === 'resources/unsubscribe') uris.delete(uri)
      else if (uris.size >= mostSubscribed) {
        return sink.finish(
          errorOf(id, invalidParams, `at most ${mostSubscribed} resources can be subscribed to`),
        )
      } else uris.add(uri)
      const granted = await renew(caller).catch((error: unknown) => {
        // If it were requested again and again, the client would never be notified of anything.
        uris.delete(uri)
        throw error
      })
      if (uris.has(uri) && !granted.has(uri)) {
        uris.delete(uri)
        return sink.finish(errorOf(id, invalidParams, 'The server tells nothing of this resource', { uri }))
      }
      return sink.finish(resultOf(id, {}))
    },
    listen(sink, caller) {
      listeners.add(sink)
      if (changes === undefined) begin(caller)
      return () => {
        listeners.remove(sink)
        if (listeners.current === undefined) stop()
      }
    },
    get listened() {
      return listeners.current !== undefined
    },
    get hasSubscriptions() {
      return uris.size > 0 && listeners.current !== undefined
    },
    end() {
      stop()
      // A stream that will never carry anything again would only keep its client from reconnecting.
      listeners.end()
    },
  }
}
