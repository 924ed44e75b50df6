import { Refusal } from '../../core/errors.ts'
import { startChild } from './child.ts'
import { parseLossless } from './lossless.ts'
import type { Sink } from './sink.ts'

type Json = Record<string, unknown>

interface Pending {
  readonly id: unknown
  readonly progressToken: unknown
  readonly sink: Sink
}

/** One running server and the requests that wait for its answers. */
export interface Conversation {
  /** Sends a request; the answer goes to the sink. `text` is one valid JSON-RPC message. */
  request(text: string, sink: Sink): void
  /** Sends a notification or a response. */
  tell(text: string): void
  /** Cancels what a sink waits for: its client is gone. */
  cancel(sink: Sink): void
  /** The stream for messages that belong to no request. Returns how to close it. */
  listen(sink: Sink): () => void
  /** Whether a request waits for its answer; one who only listens keeps no process alive. */
  readonly busy: boolean
  stop(): Promise<void>
}

interface ConversationOptions {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly onStderr: (line: string) => void
  readonly onExit: (reason: string) => void
}

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

/**
 * Starts a server and talks with it. Ids and progress tokens are replaced on the way in and restored on the way out,
 * so that requests of several connections, which may choose the same ones, never get each other's answers.
 */
export function startConversation({
  command,
  environment,
  onStderr,
  onExit,
}: ConversationOptions): Conversation {
  const pending = new Map<number, Pending>()
  let listener: Sink | undefined
  let lastId = 0

  const child = startChild({
    command,
    environment,
    onStderr,
    onLine: (line) => receive(line),
    onExit(reason) {
      const refusal = new Refusal('upstream_unreachable', { reason: `the stdio server ${reason}` })
      for (const { sink } of pending.values()) sink.fail(refusal)
      pending.clear()
      listener?.end(200)
      listener = undefined
      onExit(reason)
    },
  })

  return {
    request(text, sink) {
      const message = parseLossless(text) as Json
      const internal = ++lastId
      const progressToken = metaOf(message)?.['progressToken']
      pending.set(internal, { id: message['id'], progressToken, sink })
      message['id'] = internal
      if (progressToken !== undefined) (metaOf(message) as Json)['progressToken'] = internal
      try {
        child.write(JSON.stringify(message))
      } catch (error) {
        pending.delete(internal)
        throw error
      }
    },
    tell(text) {
      const message = parseLossless(text) as Json
      if (message['method'] === 'notifications/cancelled') restoreCancelled(message)
      child.write(JSON.stringify(message))
    },
    cancel(sink) {
      for (const [internal, waiting] of pending) {
        if (waiting.sink !== sink) continue
        pending.delete(internal)
        child.write(
          JSON.stringify({
            jsonrpc: '2.0',
            method: 'notifications/cancelled',
            params: { requestId: internal },
          }),
        )
      }
    },
    listen(sink) {
      listener = sink
      return () => {
        if (listener === sink) listener = undefined
      }
    },
    get busy() {
      return pending.size > 0
    },
    stop: () => child.stop(),
  }

  function restoreCancelled(message: Json): void {
    const params = message['params'] as Json | undefined
    const entry = [...pending].find(([, { id }]) => id === params?.['requestId'])
    if (entry !== undefined && params !== undefined) params['requestId'] = entry[0]
  }

  function receive(line: string): void {
    let message: unknown
    try {
      message = parseLossless(line)
    } catch {
      onStderr(line) // some servers print to the wrong stream
      return
    }
    if (typeof message === 'object' && message !== null) route(message as Json)
  }

  function route(message: Json): void {
    if (typeof message['method'] === 'string') return routeCall(message)
    const internal = message['id'] as number
    const waiting = pending.get(internal)
    if (waiting === undefined) return
    pending.delete(internal)
    restoreSubscription(message['result'] as Json | undefined)
    waiting.sink.finish({ ...message, id: waiting.id })
  }

  /** A notification or request of the server: to the request that it belongs to, else to whoever listens. */
  function routeCall(message: Json): void {
    const params = message['params'] as Json | undefined
    const related = pending.get((params?.['progressToken'] ?? metaOf(message)?.[subscriptionKey]) as number)
    if (related !== undefined && params !== undefined) {
      if (params['progressToken'] !== undefined) params['progressToken'] = related.progressToken
      restoreSubscription(params)
    }
    const sink = related?.sink ?? listener ?? [...pending.values()].at(-1)?.sink
    sink?.push(message)
  }

  function restoreSubscription(holder: Json | undefined): void {
    const meta = holder?.['_meta'] as Json | undefined
    const waiting = pending.get(meta?.[subscriptionKey] as number)
    if (meta !== undefined && waiting !== undefined) meta[subscriptionKey] = waiting.id
  }
}

function metaOf(message: Json): Json | undefined {
  return (message['params'] as Json | undefined)?.['_meta'] as Json | undefined
}
