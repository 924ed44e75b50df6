import type { ChannelEvents, OpenChannel } from '../../src/upstream/conversation/channel.ts'
import type { Caller } from '../../src/upstream/conversation/contract.ts'
import type { Json } from '../../src/upstream/conversation/json-rpc.ts'
import type { Sink } from '../../src/upstream/conversation/sink.ts'

/** A server that is played by a test. */
export interface FakeServer {
  readonly open: OpenChannel
  /** Every message that reached it. */
  readonly seen: Json[]
  readonly events: () => ChannelEvents
  closed: number
  /** How often the gateway stopped listening. */
  unheard: number
}

/** Creates one. `answer` is called with each message and may reply at once. */
export function fakeServer(
  answer: (message: Json, say: (message: Json) => void) => void = () => {},
): FakeServer {
  let events: ChannelEvents | undefined
  const seen: Json[] = []
  const server: FakeServer = {
    seen,
    closed: 0,
    unheard: 0,
    events: () => events as ChannelEvents,
    open(given) {
      events = given
      const take = (message: Json): void => {
        // As it would be on the wire.
        const copy = JSON.parse(JSON.stringify(message)) as Json
        seen.push(copy)
        answer(copy, (said) => given.onMessage({ jsonrpc: '2.0', ...said }))
      }
      return {
        send: take,
        abandon: (_id, notification) => take(notification),
        hear() {},
        unhear() {
          server.unheard++
        },
        async close() {
          server.closed++
        },
      }
    },
  }
  return server
}

/** A sink that remembers what it received. */
export interface RecordingSink extends Sink {
  readonly pushed: Json[]
  readonly finished: Json[]
  readonly failures: { code: string; id: unknown }[]
  opened: number
  ended: number
  closed: boolean
}

/** Creates one. */
export function recordingSink(): RecordingSink {
  const sink: RecordingSink = {
    pushed: [],
    finished: [],
    failures: [],
    opened: 0,
    ended: 0,
    closed: false,
    open() {
      sink.opened++
    },
    push: (message) => void sink.pushed.push(message as Json),
    finish: (message) => void sink.finished.push(message as Json),
    end() {
      sink.ended++
    },
    fail: ({ code }, id) => void sink.failures.push({ code, id }),
  }
  return sink
}

/** A caller with a name, and one header that contains it. */
export function callerOf(name: string): Caller {
  return { owner: name, principal: name, headers: ['Authorization', `Bearer of ${name}`] }
}
