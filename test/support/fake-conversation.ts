import type { Caller, Conversation } from '../../src/upstream/conversation/contract.ts'
import type { Json } from '../../src/upstream/conversation/json-rpc.ts'
import type { Sink } from '../../src/upstream/conversation/sink.ts'

/** A request that reached the server. */
interface Reached {
  readonly message: Json
  readonly sink: Sink
  readonly caller: Caller
}

/** A conversation with a server that is played by a test. */
export interface FakeConversation extends Conversation {
  readonly reached: Reached[]
  readonly told: Json[]
  readonly cancelled: Sink[]
  /** The stream for what belongs to no request. */
  heard: Sink | undefined
  stopped: number
  busy: boolean
  /** The only request with this method that was not answered yet. */
  take(method: string): Reached
  /** Answers that request with a result or an error. */
  answer(method: string, answer: Json): void
  methods(): unknown[]
  /** The params of the last request that reached it. */
  lastParams(): Json
}

/** Creates one, which never answers by itself. */
export function fakeConversation(): FakeConversation {
  const answered = new Set<Reached>()
  const fake: FakeConversation = {
    reached: [],
    told: [],
    cancelled: [],
    heard: undefined,
    stopped: 0,
    busy: false,
    listened: false,
    request: (message, sink, caller) => void fake.reached.push({ message, sink, caller }),
    tell: (message) => void fake.told.push(message),
    cancel: (sink) => void fake.cancelled.push(sink),
    listen(sink) {
      fake.heard = sink
      return () => {
        fake.heard = undefined
      }
    },
    async stop() {
      fake.stopped++
    },
    take(method) {
      const open = fake.reached.filter((one) => one.message['method'] === method && !answered.has(one))
      if (open.length !== 1) throw new Error(`${open.length} open requests for ${method}`)
      answered.add(open[0] as Reached)
      return open[0] as Reached
    },
    answer(method, answer) {
      const { message, sink } = fake.take(method)
      sink.finish({ jsonrpc: '2.0', id: message['id'], ...answer })
    },
    methods: () => fake.reached.map(({ message }) => message['method']),
    lastParams: () => fake.reached.at(-1)?.message['params'] as Json,
  }
  return fake
}
