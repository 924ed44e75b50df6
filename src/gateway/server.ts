import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Recorder } from '../audit/contract.ts'
import { Refusal } from '../core/errors.ts'
import { publishedKeysSeconds } from '../core/lifetimes.ts'
import type { Principal } from '../core/principal.ts'
import { hostsOf, type Site } from '../core/site.ts'
import { StoreAway } from '../core/store-away.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { corsHeaders, preflightHeaders } from '../http/cors.ts'
import { endStream } from '../http/end-stream.ts'
import { writeEvent } from '../http/event-stream.ts'
import { type Exchange, sendJson, splitTarget } from '../http/exchange.ts'
import type { Guard } from '../http/guard.ts'
import { readHead } from '../http/head.ts'
import { endOfListening } from '../mcp/subscriptions.ts'
import type { Observe } from '../telemetry/event.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import { isEndless } from './admission.ts'
import { recordRefusal } from './audit.ts'
import type { AuthorizationServerProxy } from './authorization-server-proxy.ts'
import type { CallSummary } from './call.ts'
import type { McpHandler } from './handler.ts'
import { keysUnavailable } from './keys-unavailable.ts'
import { metadataName, resourceMetadata } from './metadata.ts'
import type { Note } from './note.ts'
import { gatewayEvent } from './observe.ts'
import { refuse, refuseOAuth } from './refuse.ts'
import type { Route } from './routes.ts'
import { endTrace } from './trace.ts'

/** What the gateway's listener needs. */
export interface GatewayPorts {
  /** Determines, by which of its origins a client uses, how metadata spells URLs. */
  readonly site: Site
  readonly guard: Guard
  readonly clientAddress: ClientAddress
  readonly routes: ReadonlyMap<string, Route>
  readonly mcp: McpHandler
  /** Whether a principal's token is still valid. */
  readonly isCurrent: (principal: Principal) => boolean
  readonly issuers: readonly string[]
  /** The current public JWK Set of identity tokens. */
  readonly identityKeys: () => object
  /** Undefined if clients get their tokens elsewhere, so that there are only MCP servers here. */
  readonly authorizationServer: AuthorizationServerProxy | undefined
  readonly observe: Observe
  readonly recorder: Recorder
  readonly traces: Traces | undefined
  /** Called with every internal fault, for the log. */
  readonly onFault: (error: unknown) => void
}

/** The public listener's handler. */
export interface Gateway {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void
  /**
   * Still answers requests, but as the last on their connections, and ends the streams that would otherwise
   * never end.
   */
  readonly endStreams: () => void
  /**
   * For a gateway that has been replaced: ends the streams of requests that are `over`, including those
   * still opening, and resolves when no such request is running any more.
   */
  readonly leave: (over: (note: Note) => boolean) => Promise<void>
  /** Resolves when nothing is running any more. */
  readonly idle: () => Promise<void>
  /** Stops watching streams. */
  readonly stop: () => void
}

const streamCheckMilliseconds = 1000

/** Builds the handler of the public port: everything before and around the request path. */
export function createGateway(ports: GatewayPorts): Gateway {
  const live = new Map<Exchange, Note>()
  const waiting = new Set<() => void>()
  const left: ((note: Note) => boolean)[] = []
  let draining = false
  const { site } = ports
  const originOfHost = new Map(
    site.origins.flatMap((origin) => hostsOf(origin).map((host) => [host, origin] as const)),
  )
  const canonicalOrigin = site.origins[0] as string
  const originOf = ({ head }: Exchange): string => originOfHost.get(head.host ?? '') ?? canonicalOrigin

  function handle(req: IncomingMessage, res: ServerResponse): void {
    const began = performance.now()
    const requestId = randomUUID()
    const exchange: Exchange = {
      req,
      res,
      ...splitTarget(req.url ?? ''),
      head: readHead(req.rawHeaders),
      requestId,
      began,
      address: ports.clientAddress(req),
      baseHeaders: draining
        ? ['X-Request-Id', requestId, 'Connection', 'close']
        : ['X-Request-Id', requestId],
    }
    const note: Note = { kind: 'access' }
    live.set(exchange, note)
    const answered = answer(exchange, note).catch((error: unknown) => answerError(exchange, note, error))
    res.on('close', () => {
      live.delete(exchange)
      for (const look of waiting) look()
      const took = performance.now() - began
      const tell = (): void => {
        const event = gatewayEvent(exchange, note, took)
        ports.observe(event)
        if (ports.traces !== undefined) endTrace(ports.traces, exchange, note, event)
      }
      // If the client has disconnected, the outcome is known only a moment later.
      if (res.writableFinished) tell()
      else void answered.then(tell)
    })
  }

  const streamCheck = setInterval(
    () => endStreams((note) => draining || !mayGoOn(note) || left.some((over) => over(note))),
    streamCheckMilliseconds,
  ).unref()

  return {
    handle,
    endStreams() {
      draining = true
      endStreams(() => true)
    },
    leave(over) {
      left.push(over)
      endStreams(over)
      return whenNone(over)
    },
    idle: () => whenNone(() => true),
    stop: () => clearInterval(streamCheck),
  }

  /** Resolves when none of the matching requests is running. */
  function whenNone(meant: (note: Note) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        for (const note of live.values()) if (meant(note)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  }

  /** A stream that a client holds open must not outlive the token that it was opened with. */
  function mayGoOn({ principal }: Note): boolean {
    return principal !== undefined && ports.isCurrent(principal)
  }

  function endStreams(which: (note: Note) => boolean): void {
    for (const [{ res }, note] of live) {
      if (note.call !== undefined && isEndless(note.call) && res.headersSent && which(note))
        endStream(res, lastEvent(note.call))
    }
  }

  async function answer(exchange: Exchange, note: Note): Promise<void> {
    ports.guard.check(exchange.head)
    const route = ports.routes.get(exchange.path)
    if (route === undefined) {
      if (site.localPath(exchange.path) === undefined) throw outside(site)
      if (ports.authorizationServer === undefined) throw new Refusal('not_found')
      note.kind = 'proxy'
      return ports.authorizationServer.forward(exchange)
    }
    const { origin, preflightMethod, preflightHeaders: asked } = exchange.head
    if (origin !== undefined) exchange.baseHeaders.push(...corsHeaders(origin))
    if (exchange.req.method === 'OPTIONS' && preflightMethod !== undefined) {
      const methods = route.kind === 'mcp' ? 'GET, POST, DELETE' : 'GET'
      exchange.res.writeHead(204, [...exchange.baseHeaders, ...preflightHeaders(methods, asked)]).end()
      return
    }
    if (route.kind === 'mcp') {
      note.kind = 'mcp'
      note.upstream = route.upstream.name
      return ports.mcp(route.upstream, exchange, note)
    }
    // Node omits the body for HEAD.
    if (exchange.req.method !== 'GET' && exchange.req.method !== 'HEAD')
      throw new Refusal('method_not_allowed', { allow: 'GET, HEAD, OPTIONS' })
    if (route.kind === 'metadata') return sendJson(exchange, 200, describe(route, exchange))
    sendJson(exchange, 200, ports.identityKeys(), [
      'Cache-Control',
      `public, max-age=${publishedKeysSeconds}`,
    ])
  }

  function describe({ upstream, path }: Extract<Route, { kind: 'metadata' }>, exchange: Exchange): object {
    return resourceMetadata(upstream, originOf(exchange) + path, ports.issuers)
  }

  /** Writes a refusal to the audit before the client hears of it. Returns what the client is told. */
  function recorded(exchange: Exchange, note: Note, refusal: Refusal): Refusal {
    try {
      recordRefusal(ports.recorder, exchange, note, refusal)
      return refusal
    } catch (error) {
      return asRefusal(error)
    }
  }

  async function answerError(exchange: Exchange, note: Note, error: unknown): Promise<void> {
    if (!(error instanceof Refusal)) ports.onFault(error)
    const refusal = recorded(exchange, note, asRefusal(error))
    note.refusal = refusal
    if (exchange.res.headersSent) exchange.res.destroy()
    else if (note.kind === 'proxy') await refuseOAuth(exchange, refusal, site)
    else {
      const path = site.wellKnownPath(metadataName, site.localPath(exchange.path))
      const metadataUrl = originOf(exchange) + path
      refuse(exchange, refusal, { metadataUrl, callId: note.call?.id })
    }
  }
}

/** The last event of a stream that a client holds open: the answer to its request, if there is one. */
function lastEvent({ id }: CallSummary): string | undefined {
  return id === undefined ? undefined : writeEvent(endOfListening(id))
}

/** Usually a proxy strips the prefix of the public URL, so the message says what is wrong. */
function outside({ basePath }: Site): Refusal {
  const explain = basePath === '' ? {} : { explain: `everything here begins with ${basePath}/` }
  return new Refusal('path_outside', explain)
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (!(error instanceof StoreAway)) return new Refusal('internal', { cause: error })
  return keysUnavailable('the store cannot be reached', { cause: error })
}
