import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { Dispatcher } from 'undici'
import { relay } from '../../src/http/relay.ts'
import { listen } from './listen.ts'

interface Relayed {
  readonly res: ServerResponse
  /** What the relay does with what the server says. */
  readonly handler: Required<Dispatcher.DispatchHandler>
  /** Why the relay let the server go, as often as it did. */
  readonly aborted: Error[]
  readonly controller: Dispatcher.DispatchController
  /** How often the relay let it go on. */
  readonly resumed: () => number
  readonly done: Promise<void>
  /** Resolves when the client has the head of its answer. */
  readonly answered: Promise<Response>
  /** What the client got. */
  readonly text: Promise<string>
}

/** A request that is on its way to the server. */
export async function startRelay(
  test: TestContext,
  options: Partial<Omit<Parameters<typeof relay>[0], 'dispatcher' | 'request' | 'res'>> = {},
): Promise<Relayed> {
  const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
  const server = createServer((_req, res) => resolve(res))
  const answered = fetch((await listen(server, test)).url)
  const res = await arrived
  const aborted: Error[] = []
  let resumed = 0
  const controller = {
    abort: (reason: Error) => aborted.push(reason),
    pause() {},
    resume: () => resumed++,
  } as unknown as Dispatcher.DispatchController
  let handler: Required<Dispatcher.DispatchHandler> | undefined
  const dispatcher = {
    dispatch: (_request: object, given: Dispatcher.DispatchHandler) =>
      (handler = given as Required<Dispatcher.DispatchHandler>),
  } as unknown as Dispatcher
  const done = relay({
    dispatcher,
    request: { method: 'GET', path: '/' },
    res,
    accept: (status) => ({ status, headers: ['Content-Type', 'text/event-stream'] }),
    onClientGone: 'abort',
    closeCutStream: () => ': cut\n\n',
    ...options,
  })
  assert.ok(handler !== undefined)
  const text = answered.then((answer) => answer.text())
  return { res, handler, aborted, controller, resumed: () => resumed, done, answered, text }
}

/** An event stream that has begun. */
export async function beginRelay(
  test: TestContext,
  options: Parameters<typeof startRelay>[1] = {},
  headers: Record<string, string> = {},
): Promise<Relayed> {
  const relayed = await startRelay(test, options)
  const { handler, controller } = relayed
  handler.onRequestStart(controller, {})
  handler.onResponseStart(controller, 200, { 'content-type': 'text/event-stream', ...headers })
  handler.onResponseData(controller, Buffer.from(': open\n\n'))
  return relayed
}
