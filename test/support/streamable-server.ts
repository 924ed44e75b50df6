import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { Channel } from '../../src/upstream/conversation/channel.ts'
import { callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { streamableChannel } from '../../src/upstream/streamable/channel.ts'

/** One request that the server received, and how it is answered. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  fail(): Promise<void>
  answer(status: number, headers?: Record<string, string>, ...chunks: string[]): Promise<void>
}

/** A channel, and what came of it. */
export interface Opened {
  readonly channel: Channel
  readonly received: Received[]
  readonly messages: Json[]
  readonly failures: string[]
  /** How many answers were thrown away, so that their connections are free again. */
  dumped: number
  unheard: number
  readonly closed: string[]
}

/** Lets the channel do what it has to do by now. */
export const settle = async (): Promise<void> => {
  for (let count = 0; count < 10; count++) await turn()
}

/** Lets time pass for the channel. It takes `setTimeout` by name, so that the name has to follow. */
export function stopTimers(test: TestContext): (milliseconds: number) => Promise<void> {
  test.mock.timers.enable({ apis: ['setTimeout'] })
  syncBuiltinESMExports()
  test.after(() => {
    test.mock.timers.reset()
    syncBuiltinESMExports()
  })
  return (milliseconds) => {
    test.mock.timers.tick(milliseconds)
    return settle()
  }
}

/** A channel to a server that is played by a test. */
export function open(era: 'legacy' | 'modern'): Opened {
  const received: Received[] = []
  const dispatcher = {
    request: (options: { method: string; path: string; headers: string[]; signal: AbortSignal }) =>
      new Promise((resolve, reject) => {
        const { method, path, headers: list, signal } = options
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        const pairs = list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1]]] : []))
        received.push({
          method,
          path,
          headers: Object.fromEntries(pairs) as Record<string, string>,
          signal,
          fail() {
            reject(new Error('broken'))
            return settle()
          },
          answer(statusCode, headers = {}, ...chunks) {
            const body = Object.assign(
              (async function* () {
                for (const chunk of chunks) yield Buffer.from(chunk)
              })(),
              { dump: async () => void opened.dumped++ },
            )
            resolve({ statusCode, headers, body })
            return settle()
          },
        })
      }),
  } as unknown as Dispatcher
  const opened: Omit<Opened, 'channel'> = {
    received,
    messages: [],
    failures: [],
    dumped: 0,
    unheard: 0,
    closed: [],
  }
  const channel = streamableChannel({ dispatcher, url: 'http://server/mcp?a=1', era })(
    {
      onMessage: (message) => opened.messages.push(message),
      onFailure: (_id, { code }) => opened.failures.push(code),
      onUnheard: () => opened.unheard++,
      onClosed: ({ code }) => opened.closed.push(code),
    },
    [],
  )
  return Object.assign(opened, { channel })
}

export const json = { 'content-type': 'application/json' }
export const stream = { 'content-type': 'text/event-stream' }
export const resultOf = (id: number): string => JSON.stringify({ jsonrpc: '2.0', id, result: {} })
export const event = (text: string): string => `data: ${text}\n\n`
export const own = ['Authorization', 'Bearer own']

/** Sends a message, with a credential of its own. */
export function send({ channel }: Opened, method: string, id?: number): void {
  channel.send(callOf(method, {}, id), { headers: own, id })
}

/** A channel whose session was opened. */
export async function initialized(protocolVersion: unknown = '2025-11-25'): Promise<Opened> {
  const opened = open('legacy')
  send(opened, 'initialize', 1)
  const answer = { jsonrpc: '2.0', id: 1, result: { protocolVersion } }
  await opened.received[0]?.answer(200, { ...json, 'mcp-session-id': 'first' }, JSON.stringify(answer))
  return opened
}
