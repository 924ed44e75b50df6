import { connect } from 'node:net'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Era } from '../../src/mcp/revisions.ts'
import { FormBrowser } from './form-browser.ts'
import { type Installation, startInstallation } from './installation.ts'
import { OAuthClient } from './oauth.ts'
import { type SpyUpstream, startSpyUpstream } from './spy-upstream.ts'

/** An answer of the gateway. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: {
    readonly id?: unknown
    readonly result?: Record<string, unknown>
    readonly error?: {
      readonly code: number
      readonly message: string
      readonly data: Record<string, unknown>
    }
  }
}

interface PostOptions {
  readonly token?: string | undefined
  readonly headers?: Record<string, string>
  readonly path?: string
  readonly method?: string
}

/** A gateway with a spy behind it. */
export interface GatedSpy {
  readonly installation: Installation
  readonly spy: SpyUpstream
  readonly oauth: OAuthClient
  /** A token with these scopes, of a separate user, so that a refusal of one does not affect another. */
  tokenFor(scope: string, user?: string): Promise<string>
  /** Posts a body to the MCP endpoint; an object is written as JSON. */
  post(body: unknown, options?: PostOptions): Promise<Answer>
  /** Writes bytes to the public port and returns what comes back, for what `fetch` would never send. */
  raw(text: string): Promise<string>
  close(): Promise<void>
}

/** Starts a gateway with a spy behind it. `settings` override those of the spy. */
export async function startGatedSpy(
  config: ConfigInput = {},
  clock?: Clock,
  settings: Partial<NonNullable<ConfigInput['upstreams']>[number]> = {},
): Promise<GatedSpy> {
  const spy = await startSpyUpstream()
  const upstreams: ConfigInput['upstreams'] = [
    // Not asked which era it supports: what reaches it was sent by the test.
    {
      name: 'spy',
      path: '/mcp',
      url: spy.url,
      responseSeconds: 2,
      transport: 'streamable-http',
      era: 'both',
      ...settings,
    },
  ]
  const installation = await startInstallation({
    config: { upstreams, ...config },
    ...(clock === undefined ? {} : { clock }),
  })
  return gateAt(installation, installation.url, spy, installation.mcpUrl)
}

/**
 * A gateway at a URL of an installation, which may be that of a tenant. Its tokens are for `resource`, or for
 * its only server.
 */
export function gateAt(
  installation: Installation,
  url: string,
  spy: SpyUpstream,
  resource?: string,
): GatedSpy {
  const oauth = new OAuthClient(url)
  let users = 0
  return {
    installation,
    spy,
    oauth,
    async tokenFor(scope, user = `user_${++users}`) {
      const request = { scope, ...(resource === undefined ? {} : { resource }) }
      return (await oauth.signIn(request, new FormBrowser({ fill: { name: user } }))).access_token
    },
    async post(body, { token, headers = {}, path = '/mcp', method = 'POST' } = {}) {
      const hasBody = method !== 'GET' && method !== 'DELETE' && method !== 'OPTIONS'
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
          accept: 'application/json, text/event-stream',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(hasBody
          ? {
              body:
                typeof body === 'string' || body instanceof Uint8Array
                  ? (body as string)
                  : JSON.stringify(body),
            }
          : {}),
      })
      const text = await response.text()
      const isJson = response.headers.get('content-type') === 'application/json'
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson ? (JSON.parse(text) as Answer['json']) : {},
      }
    },
    async raw(text) {
      const { port } = new URL(installation.url)
      const socket = connect(Number(port), '127.0.0.1')
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
      socket.on('error', () => {}) // a reset is also an answer
      socket.write(Buffer.from(text, 'latin1'))
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        // However long the answer takes: it is over when nothing more comes.
        socket.setTimeout(1500).on('timeout', () => answer !== '' && resolve())
      })
      socket.destroy()
      return answer
    },
    async close() {
      await installation.close()
      await spy.close()
    },
  }
}

const version = 'io.modelcontextprotocol/protocolVersion'
const capabilities = 'io.modelcontextprotocol/clientCapabilities'

/** A modern request with its headers, correct in every respect, of a client that declares capabilities. */
export function modernRequest(
  method: string,
  params: Record<string, unknown> = {},
  id: unknown = 7,
  declared: object = {},
): { body: object; headers: Record<string, string> } {
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  const headers: Record<string, string> = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  const named = ['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/update', 'tasks/cancel']
  if (typeof name === 'string' && named.includes(method)) headers['mcp-name'] = name
  const meta = { [version]: '2026-07-28', [capabilities]: declared }
  return { body: { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }, headers }
}

/** A request of an era, with its headers. */
export function requestOf(
  era: Era,
  method: string,
  params: Record<string, unknown> = {},
): ReturnType<typeof modernRequest> {
  return era === 'modern'
    ? modernRequest(method, params)
    : { body: legacyRequest(method, params), headers: {} }
}

/** A legacy request. */
export function legacyRequest(method: string, params: object = {}, id: unknown = 7): object {
  return { jsonrpc: '2.0', id, method, params }
}
