import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Recorder } from '../audit/contract.ts'
import { Refusal, toRefusal } from '../core/errors.ts'
import { publishedKeysSeconds } from '../core/lifetimes.ts'
import type { Principal } from '../core/principal.ts'
import { withoutTrailingSlash } from '../core/resource.ts'
import { hostsOf, type Site } from '../core/site.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { corsHeaders, preflightHeaders } from '../http/cors.ts'
import { type Exchange, sendJson, splitTarget } from '../http/exchange.ts'
import type { Guard } from '../http/guard.ts'
import { readHead } from '../http/head.ts'
import type { Observe } from '../telemetry/event.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import { recordRefusal } from './audit.ts'
import type { AuthorizationServerProxy } from './authorization-server-proxy.ts'
import type { McpHandler } from './handler.ts'
import { metadataName, resourceMetadata } from './metadata.ts'
import type { Note } from './note.ts'
import { gatewayEvent } from './observe.ts'
import { refuse, refuseOAuth } from './refuse.ts'
import type { Route } from './routes.ts'
import { type RequestEndings, runningRequests } from './running-requests.ts'
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
export interface Gateway extends RequestEndings {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void
}

/** Builds the handler of the public port: everything before and around the request path. */
export function createGateway(ports: GatewayPorts): Gateway {
  const { site } = ports
  // A stream that a client holds open must not outlive the token that it was opened with.
  const running = runningRequests(({ principal }) => principal !== undefined && ports.isCurrent(principal))
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
      baseHeaders: running.areLast
        ? ['X-Request-Id', requestId, 'Connection', 'close']
        : ['X-Request-Id', requestId],
    }
    const note: Note = { kind: 'access' }
    running.add(exchange, note)
    const answered = answer(exchange, note).catch((error: unknown) => answerError(exchange, note, error))
    res.on('close', () => {
      running.remove(exchange)
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

  return {
    handle,
    endStreams: running.endStreams,
    leave: running.leave,
    idle: running.idle,
    stop: running.stop,
  }

  async function answer(exchange: Exchange, note: Note): Promise<void> {
    ports.guard.check(exchange.head)
    const exact = ports.routes.get(exchange.path)
    const route = exact ?? routeWithSlash(exchange.path)
    if (route === undefined) {
      if (site.localPath(exchange.path) === undefined) throw outside(site)
      if (ports.authorizationServer === undefined) throw new Refusal('not_found')
      note.kind = 'proxy'
      return ports.authorizationServer.forward(exchange)
    }
    const { origin, preflightMethod, preflightHeaders: asked } = exchange.head
    // Only documents may be kept by a cache.
    if (origin !== undefined || route.kind !== 'mcp') exchange.baseHeaders.push(...corsHeaders(origin))
    if (exchange.req.method === 'OPTIONS' && preflightMethod !== undefined) {
      const methods = route.kind === 'mcp' ? 'GET, POST, DELETE' : 'GET'
      exchange.res.writeHead(204, [...exchange.baseHeaders, ...preflightHeaders(methods, asked)]).end()
      return
    }
    // Only now, since a page must be able to read what is wrong.
    if (exact === undefined) throw slashed(originOf(exchange) + withoutTrailingSlash(exchange.path))
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

  /** The MCP server that somebody means who writes its path with a slash at the end. */
  function routeWithSlash(path: string): Route | undefined {
    const route = ports.routes.get(withoutTrailingSlash(path))
    return route?.kind === 'mcp' ? route : undefined
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
      return toRefusal(error)
    }
  }

  async function answerError(exchange: Exchange, note: Note, error: unknown): Promise<void> {
    if (!(error instanceof Refusal)) ports.onFault(error)
    const refusal = recorded(exchange, note, toRefusal(error))
    note.refusal = refusal
    // A body that came together with its head is known to be complete only when this turn is over.
    if (!exchange.req.readableDidRead) await endOfTurn()
    if (exchange.res.writableEnded) return
    if (exchange.res.headersSent) exchange.res.destroy()
    else if (note.kind === 'proxy') await refuseOAuth(exchange, refusal, site)
    else {
      const path = site.wellKnownPath(metadataName, site.localPath(exchange.path))
      const metadataUrl = originOf(exchange) + path
      refuse(exchange, refusal, { metadataUrl, callId: note.call?.id })
    }
  }
}

/** Usually a proxy strips the prefix of the public URL, so the message says what is wrong. */
function outside({ basePath }: Site): Refusal {
  const explain = basePath === '' ? {} : { explain: `everything here begins with ${basePath}/` }
  return new Refusal('path_outside', explain)
}

/** It would be a second identifier of the same resource, which clients and tokens could not tell from it. */
function slashed(resource: string): Refusal {
  return new Refusal('not_found', { explain: `the MCP server is at ${resource}, without a slash at the end` })
}
