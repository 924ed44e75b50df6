import assert from 'node:assert/strict'
import { modernRequest } from './gated-spy.ts'

type Message = Readonly<Record<string, unknown>> & {
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** A modern request whose answer is a stream that its client leaves. */
export interface OpenRequest {
  /** What has been received so far. */
  heard(): Message[]
  /** Resolves when this many messages have been received. */
  until(count: number): Promise<void>
  leave(): void
}

/** Sends it, and reads what is received. */
export function openModern(
  url: string,
  token: string,
  method: string,
  { id, meta = {}, ...params }: Record<string, unknown> & { readonly id: unknown; readonly meta?: object },
): OpenRequest {
  const { body, headers } = modernRequest(method, params)
  const { params: given } = body as { params: Record<string, object> }
  const abort = new AbortController()
  let text = ''
  let hear = (): void => {}
  const read = async (): Promise<void> => {
    const response = await fetch(url, {
      method: 'POST',
      signal: abort.signal,
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ ...body, id, params: { ...given, _meta: { ...given['_meta'], ...meta } } }),
    })
    assert.equal(response.status, 200)
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString()
      hear()
    }
  }
  const reading = read()
  reading.catch(() => {})
  const heard = (): Message[] =>
    [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data as string) as Message)
  return {
    heard,
    async until(count) {
      const enough = new Promise<void>((resolve) => {
        hear = () => heard().length >= count && resolve()
        hear()
      })
      await Promise.race([enough, reading])
      assert.ok(heard().length >= count, `only ${heard().length} messages`)
    },
    leave: () => abort.abort(),
  }
}
