import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type Messages, post } from './era-calls.ts'
import { legacyRequest } from './gated-spy.ts'
import { echo, type SpyUpstream, startSpyUpstream } from './spy-upstream.ts'
import { until } from './until.ts'

/** The first request of a legacy client. */
export const initialize = legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} })

/** An HTTP server of the legacy era with a session, on whose streams a test can send messages. */
export interface Streamer extends SpyUpstream {
  readonly streams: ServerResponse[]
}

/** Starts it. */
export async function startStreamer(): Promise<Streamer> {
  const spy = await startSpyUpstream()
  const streams: ServerResponse[] = []
  spy.answerWith((request, res) => {
    if (request.method === 'GET') {
      streams.push(res.writeHead(200, { 'content-type': 'text/event-stream' }))
      res.write(': here\n\n')
      return undefined
    }
    if (request.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'session-of-the-server')
    return echo(request, res)
  })
  return Object.assign(spy, { streams })
}

/** A stream that a client holds open. */
export interface HeldStream {
  readonly ended: boolean
  hears(what: string): Promise<void>
  /** Resolves when it has ended properly; rejects when it was cut off. */
  ends(): Promise<void>
}

/** Opens the stream of a session. */
export async function listenTo(
  url: string,
  token: string,
  session: Record<string, string>,
): Promise<HeldStream> {
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
  })
  assert.equal(response.status, 200)
  let text = ''
  let ended = false
  let failure: unknown
  void (async () => {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>)
      text += Buffer.from(chunk).toString()
  })()
    .catch((error: unknown) => {
      failure = error
    })
    .finally(() => {
      ended = true
    })
  return {
    get ended() {
      return ended
    },
    hears: (what) => until(() => text.includes(what), `the stream says ${what}`),
    async ends() {
      await until(() => ended, 'the stream ends')
      assert.equal(failure, undefined)
    },
  }
}

/** Opens a session and its stream. */
export async function openStream(url: string, token: string): Promise<HeldStream> {
  return listenTo(url, token, sessionOf(await post(url, token, initialize)))
}

/** The header with the session that an answer opened. */
export function sessionOf({ headers }: Messages): { 'mcp-session-id': string } {
  return { 'mcp-session-id': headers.get('mcp-session-id') as string }
}
