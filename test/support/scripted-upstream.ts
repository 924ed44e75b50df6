import type { ServerResponse } from 'node:http'
import type { ConfigInput } from '../../src/config/schema.ts'
import { tokenFor } from './era-calls.ts'
import { type Installation, startInstallation } from './installation.ts'
import { type SeenRequest, type SpyUpstream, startSpyUpstream } from './spy-upstream.ts'

type Json = Record<string, unknown>

/** What a server answers to a method: a result, an error, or a custom reply. */
export type Script = Readonly<Record<string, (message: Json, request: SeenRequest) => Json | Reply>>

/** An answer that is more than a result. */
export interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  /** Messages of an event stream, including the answer. */
  readonly stream?: readonly object[]
  /** A JSON body. */
  readonly body?: unknown
  readonly reply: true
}

/** A gateway with one scripted server behind it. */
export interface ScriptedGate {
  readonly installation: Installation
  readonly url: string
  readonly spy: SpyUpstream
  /** The JSON-RPC methods, or the HTTP method of other requests, in the order in which they were received. */
  methods(): string[]
  /** The messages with a method. */
  messages(method: string): (Json & { params: Json })[]
  script: Script
  token(user: string, scope?: string): Promise<string>
  close(): Promise<void>
}

/** The answers of both eras to being opened. */
export const opening = {
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, tasks: {}, logging: {} },
  serverInfo: { name: 'scripted', version: '3' },
}

/** The script of a legacy server with a session. */
export const legacyScript: Script = {
  initialize: () => ({
    reply: true,
    headers: { 'mcp-session-id': 'session-1' },
    body: { result: { protocolVersion: '2025-06-18', instructions: 'be kind', ...opening } },
  }),
  'server/discover': () => ({
    reply: true,
    status: 400,
    body: { error: { code: -32600, message: 'no session' } },
  }),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
  'logging/setLevel': () => ({}),
  GET: () => ({ reply: true, status: 405 }),
  DELETE: () => ({ reply: true, status: 200 }),
}

/** The script of a modern server. */
export const modernScript: Script = {
  'server/discover': () => ({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: opening.capabilities,
    instructions: 'be kind',
    ttlMs: 0,
    cacheScope: 'public',
    _meta: { 'io.modelcontextprotocol/serverInfo': opening.serverInfo },
  }),
  initialize: () => ({
    reply: true,
    status: 404,
    body: { error: { code: -32601, message: 'Method not found' } },
  }),
}

/** Starts it. `settings` are those of the upstream. */
export async function startScripted(
  script: Script,
  settings: Partial<NonNullable<ConfigInput['upstreams']>[number]> = {},
): Promise<ScriptedGate> {
  const spy = await startSpyUpstream()
  const upstreams = [{ name: 'scripted', url: spy.url, responseSeconds: 3, ...settings }]
  const installation = await startInstallation({ config: { upstreams } })
  const gate: ScriptedGate = {
    installation,
    url: installation.mcpUrl,
    spy,
    script,
    methods: () => spy.seen.map((request) => keyOf(request)),
    messages: (method) =>
      spy.seen.filter((request) => keyOf(request) === method).map(({ body }) => JSON.parse(body)),
    token: (user, scope) => tokenFor(installation.mcpUrl, user, scope),
    async close() {
      await installation.close()
      await spy.close()
    },
  }
  spy.answerWith((request, res) => {
    const message = (request.body === '' ? {} : JSON.parse(request.body)) as Json
    const answer = gate.script[keyOf(request)]?.(message, request)
    if (answer === undefined && message['id'] === undefined) return res.writeHead(202).end()
    if (!isReply(answer)) {
      return json(res, 200, {}, { jsonrpc: '2.0', id: message['id'], result: answer ?? {} })
    }
    const { status = 200, headers = {}, stream, body } = answer
    if (stream !== undefined) {
      res.writeHead(status, { ...headers, 'content-type': 'text/event-stream' })
      for (const one of stream) res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...one })}\n\n`)
      return res.end()
    }
    if (body === undefined) return res.writeHead(status, headers).end()
    return json(res, status, headers, { jsonrpc: '2.0', id: message['id'], ...(body as object) })
  })
  return gate
}

function json(res: ServerResponse, status: number, headers: Record<string, string>, body: object): void {
  res.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function isReply(answer: Json | Reply | undefined): answer is Reply {
  return answer?.['reply'] === true
}

function keyOf({ method, body }: SeenRequest): string {
  return body === '' ? method : ((JSON.parse(body) as { method?: string }).method ?? 'response')
}
