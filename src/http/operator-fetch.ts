import type { Dispatcher } from 'undici'
import { fairTurns } from './fair-turns.ts'
import { fetchHeaders, readWhole } from './read-answer.ts'
import { FetchRefused, publicLookup } from './safe-fetch.ts'
import { sharedLookup } from './share-lookups.ts'
import { leadsInside } from './special-use.ts'
import { Agent } from './undici.ts'

interface OperatorFetchOptions {
  /** The origins that the operator named. Any address is allowed for them, since the operator chose them. */
  readonly origins: readonly string[]
  readonly userAgent: string
  readonly maxBytes: number
  /** For everything together: waiting for its turn, name, connection, answer, body. */
  readonly milliseconds: number
  /** Maximum number of concurrent requests; all others wait. */
  readonly running: number
}

/** A request with the signature of `fetch`, as libraries make them. Throws FetchRefused. */
export type OperatorFetch = (
  url: string,
  options: {
    readonly method?: string
    readonly headers?: Record<string, string> | Headers
    readonly body?: unknown
    readonly signal?: AbortSignal | undefined
  },
) => Promise<Response>

/**
 * A fetch for the servers of an issuer that an operator named. It reaches the named origins wherever they
 * are. All other origins, which the issuer's own documents name, are reached only over https and at public
 * internet addresses. It follows no redirects and limits the size of what it reads (RFC 9700 section 4.15 on
 * server-side requests).
 */
export function createOperatorFetch(options: OperatorFetchOptions): OperatorFetch {
  const { origins, userAgent, maxBytes, milliseconds, running } = options
  const trusted = new Set(origins)
  const turns = fairTurns({ places: running })
  const connect = { timeout: milliseconds }
  const bounds = { headersTimeout: milliseconds, bodyTimeout: milliseconds, keepAliveTimeout: 4000 }
  const direct = new Agent({ ...bounds, connect: { ...connect, lookup: sharedLookup } })
  const guarded = new Agent({ ...bounds, connect: { ...connect, lookup: publicLookup(milliseconds) } })

  return async (text, { method = 'GET', headers = {}, body, signal }) => {
    const url = new URL(text)
    const isTrusted = trusted.has(url.origin)
    const problem = isTrusted ? undefined : foreignUrlProblem(url)
    if (problem !== undefined) throw new FetchRefused(`${url.origin} is not asked: ${problem}`)
    const limit = AbortSignal.timeout(milliseconds)
    const done = await turns.take('', limit)
    if (done === undefined) throw new FetchRefused('too many requests to the issuer are running')
    try {
      const answer = await (isTrusted ? direct : guarded).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { 'user-agent': userAgent, ...Object.fromEntries(new Headers(headers)) },
        body: body instanceof URLSearchParams ? body.toString() : null,
        signal: signal == null ? limit : AbortSignal.any([limit, signal]),
      })
      return await readAnswer(answer, maxBytes)
    } finally {
      done()
    }
  }
}

/** Why a URL that an issuer's document names is never requested, as far as the URL alone tells. Untrusted. */
export function foreignUrlProblem(url: URL): string | undefined {
  if (url.protocol !== 'https:') return 'it is not https'
  if (url.username !== '' || url.password !== '') return 'it has user information'
  return leadsInside(url.hostname) ? 'it is not on the public internet' : undefined
}

async function readAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Response> {
  const whole = await readWhole(body, maxBytes)
  if (whole === undefined) throw new FetchRefused(`the answer is larger than ${maxBytes} bytes`)
  const isEmpty = statusCode === 204 || statusCode === 304
  return new Response(isEmpty ? null : new Uint8Array(whole), {
    status: statusCode,
    headers: fetchHeaders(headers),
  })
}
