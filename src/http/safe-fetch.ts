import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { fetchHeaders, readWhole } from './read-answer.ts'
import { hostResolver, isLocalhostName, isUnknownName } from './resolve-host.ts'
import { createSlots } from './slots.ts'
import { addressKind, literalAddress } from './special-use.ts'
import { Client } from './undici.ts'

interface FetchRefusedOptions extends ErrorOptions {
  readonly reached?: boolean | undefined
  readonly passing?: boolean
}

/**
 * Why nothing was fetched. The message is for the author of the URL, and contains nothing of the other side's
 * answer.
 */
export class FetchRefused extends Error {
  /**
   * Whether the host could be reached, over TLS in the case of https. Undefined if that was not determined.
   */
  readonly reached: boolean | undefined
  /**
   * Whether the same URL may be fetched a little later, since neither the URL nor what is there is at fault.
   */
  readonly passing: boolean

  constructor(message: string, { reached, passing = false, ...options }: FetchRefusedOptions = {}) {
    super(message, options)
    this.name = 'FetchRefused'
    this.reached = reached
    this.passing = passing
  }
}

interface SafeFetchOptions {
  /**
   * Allows loopback addresses and `localhost` names, also over http and at any port, for an installation that
   * is itself on loopback. Every other name must still lead to the public internet.
   */
  readonly allowLoopback: boolean
  readonly userAgent: string
  /** The largest body that is read. */
  readonly maxBytes: number
  /** For everything together: name, connection, answer, body. */
  readonly milliseconds: number
  /** Maximum number of concurrent fetches, for one host and in total. */
  readonly running: { readonly perHost: number; readonly total: number }
  /** Resolves a host name to all its addresses. Default: by DNS. */
  readonly resolve?: (hostname: string) => Promise<LookupAddress[]>
  /** Certificate authorities in PEM, instead of the system's. */
  readonly ca?: string
  /** The only port on the public internet that is connected to. Default: 443. */
  readonly port?: number
}

/** Fetches a URL that a stranger chose. Resolves to a 200 with its whole body, or throws FetchRefused. */
export type SafeFetch = (url: string) => Promise<Response>

/**
 * A GET that reaches only the public internet: every address of the host is checked before a connection is
 * made, and the connection goes to a checked address. It follows no redirects, sends no credentials and
 * accepts no compressed answers (RFC 6890, RFC 9700 section 4.15 on server-side requests).
 */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const slots = createSlots({ perKey: options.running.perHost, total: options.running.total })
  return async (text) => {
    const url = checkUrl(text, options)
    const release = slots.take(url.hostname)
    if (release === undefined) throw new FetchRefused('too many fetches are running', { passing: true })
    // A separate client for each fetch, so that no connection outlives the check of its address.
    const client = new Client(url.origin, {
      allowH2: false,
      connect: {
        lookup: checkedLookup(options),
        timeout: options.milliseconds,
        maxCachedSessions: 0,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    })
    let reached = false
    client.once('connect', () => {
      reached = true
    })
    const signal = AbortSignal.timeout(options.milliseconds)
    try {
      return await get(client, url, { ...options, signal })
    } catch (cause) {
      if (cause instanceof FetchRefused) throw cause
      const why = signal.aborted ? 'took too long' : 'failed'
      throw new FetchRefused(`the fetch ${why}`, { cause, reached, passing: true })
    } finally {
      release()
      await client.destroy()
    }
  }
}

/** Why a URL is never fetched, as far as the URL alone tells, or undefined. Untrusted input. */
export function fetchProblem(url: string, options: { readonly allowLoopback: boolean }): string | undefined {
  try {
    checkUrl(url, options)
    return undefined
  } catch (error) {
    if (error instanceof FetchRefused) return error.message
    throw error
  }
}

/**
 * Refuses what can be recognized from the URL alone. A literal address never reaches the resolver, so it is
 * checked here.
 */
function checkUrl(
  text: string,
  { allowLoopback, port = httpsPort }: Pick<SafeFetchOptions, 'allowLoopback' | 'port'>,
): URL {
  const url = URL.parse(text)
  if (url === null) throw new FetchRefused('it is not a URL')
  if (url.username !== '' || url.password !== '') throw new FetchRefused('it has user information')
  const literal = literalAddress(url.hostname)
  const kind = literal === undefined ? undefined : addressKind(literal)
  const loopback = kind === 'loopback' || isLocalhostName(url.hostname)
  if (loopback && allowLoopback && /^https?:$/.test(url.protocol)) return url
  if (url.protocol !== 'https:') throw new FetchRefused('it is not https')
  if (Number(url.port || httpsPort) !== port) throw new FetchRefused(`its port is not ${port}`)
  if (kind !== undefined && kind !== 'global') throw new FetchRefused(notPublic)
  return url
}

const httpsPort = 443
const notPublic = 'its host is not on the public internet'

/**
 * Resolves a name and returns only checked addresses, so that the name cannot mean something else a moment
 * later.
 */
function checkedLookup({
  allowLoopback,
  milliseconds,
  ...options
}: Pick<SafeFetchOptions, 'allowLoopback' | 'milliseconds' | 'resolve'>): LookupFunction {
  const resolve = options.resolve ?? hostResolver({ milliseconds })
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        const wanted = allowLoopback && isLocalhostName(hostname) ? 'loopback' : 'global'
        const usable = addresses.every(({ address }) => addressKind(address) === wanted)
        if (first === undefined || !usable) callback(new FetchRefused(notPublic), '')
        else if (all === true) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (cause: unknown) => {
        // Any answer, even this one, comes from a name server that could be reached.
        const isUnknown = isUnknownName(cause)
        const reached = isUnknown ? undefined : false
        callback(new FetchRefused('its host has no address', { cause, reached, passing: !isUnknown }), '')
      },
    )
  }
}

/** A lookup for connections that may reach only the public internet. */
export function publicLookup(milliseconds: number): LookupFunction {
  return checkedLookup({ allowLoopback: false, milliseconds })
}

async function get(
  client: Dispatcher,
  { pathname, search }: URL,
  { userAgent, maxBytes, signal }: SafeFetchOptions & { signal: AbortSignal },
): Promise<Response> {
  const answer = await client.request({
    method: 'GET',
    path: pathname + search,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': userAgent },
    signal,
  })
  const { statusCode, headers, body } = answer
  const encoding = headers['content-encoding']
  if (statusCode !== 200)
    throw new FetchRefused(`the answer has the status ${statusCode} and not 200`, {
      reached: true,
      passing: statusCode >= 500 || statusCode === 408 || statusCode === 429,
    })
  if (encoding !== undefined && encoding !== 'identity')
    throw new FetchRefused('the answer is compressed', { reached: true })
  const whole = await readWhole(body, maxBytes)
  if (whole === undefined)
    throw new FetchRefused(`the answer is larger than ${maxBytes} bytes`, { reached: true })
  return new Response(new Uint8Array(whole), { headers: fetchHeaders(headers) })
}
