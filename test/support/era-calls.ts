import { FormBrowser } from './form-browser.ts'
import { modernRequest } from './gated-spy.ts'
import { OAuthClient } from './oauth.ts'

/** A token of a user for a server behind a gate. */
export async function tokenFor(url: string, user: string, scope = 'mcp:*'): Promise<string> {
  const oauth = new OAuthClient(new URL(url).origin)
  const browser = new FormBrowser({ fill: { name: user } })
  return (await oauth.signIn({ scope, resource: url }, browser)).access_token
}

/** All messages of an answer, whether it was JSON or a stream. */
export interface Messages {
  readonly status: number
  readonly headers: Headers
  readonly messages: {
    readonly id?: unknown
    readonly method?: string
    readonly params?: Record<string, unknown>
    readonly result?: Record<string, unknown>
    readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
  }[]
}

interface PostOptions {
  readonly headers?: Record<string, string>
  readonly method?: string
  readonly signal?: AbortSignal
}

/** Posts a message. */
export async function post(
  url: string,
  token: string,
  body: object | undefined,
  { headers = {}, ...options }: PostOptions = {},
): Promise<Messages> {
  const response = await fetch(url, {
    method: 'POST',
    ...options,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const texts = type.startsWith('text/event-stream')
    ? [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => data as string)
    : type === 'application/json'
      ? [text]
      : []
  return { status: response.status, headers: response.headers, messages: texts.map((one) => JSON.parse(one)) }
}

/** Posts a modern request with an id, and additions to the required members of `_meta`. */
export function callModern(
  url: string,
  token: string,
  method: string,
  { id = 7, meta = {}, ...params }: Record<string, unknown> & { id?: unknown; meta?: object } = {},
): Promise<Messages> {
  const { body, headers } = modernRequest(method, params)
  const { params: given } = body as { params: Record<string, object> }
  return post(
    url,
    token,
    { ...body, id, params: { ...given, _meta: { ...given['_meta'], ...meta } } },
    { headers },
  )
}
