import { createServer, type RequestListener, type Server } from 'node:http'
import { join, resolve } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createRemoteJWKSet } from 'jose'
import { adminApp } from './admin/server.ts'
import { createAuthorizationServer } from './authorization-server/server.ts'
import { stepUps } from './authorization-server/step-up.ts'
import type { Config, UpstreamConfig } from './config/schema.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { type ProtectedResource, publicOrigins, resourceDirectory } from './core/protected-resource.ts'
import { sealer } from './core/secret.ts'
import { authorizationServerProxy } from './gateway/authorization-server-proxy.ts'
import { openDenyList } from './gateway/deny-list.ts'
import { mcpHandler } from './gateway/handler.ts'
import { identityTokens } from './gateway/identity-token.ts'
import { buildRoutes, identityKeysPath } from './gateway/routes.ts'
import { createGateway } from './gateway/server.ts'
import { sealedSessions } from './gateway/session.ts'
import { createTokenVerifier, type TrustedIssuer } from './gateway/token-verifier.ts'
import type { Upstream } from './gateway/upstream.ts'
import { createGuard } from './http/guard.ts'
import { drain, listen } from './http/listen.ts'
import { closedIdentity, developmentIdentity } from './identity/development.ts'
import { openKeyRing } from './keys/key-ring.ts'
import { loadMasterSecret } from './keys/master-secret.ts'
import { openStore } from './storage/open.ts'
import { openAudit } from './telemetry/audit.ts'
import type { Observe } from './telemetry/event.ts'
import { createLog } from './telemetry/log.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { scrub } from './telemetry/scrub.ts'
import type { Connector } from './upstream/contract.ts'
import { httpConnector } from './upstream/http.ts'
import { stdioConnector } from './upstream/stdio/connector.ts'
import { version } from './version.ts'

/** The parts that can run apart. */
export type Part = 'gateway' | 'authorization-server' | 'admin'

/** A running installation. */
export interface Running {
  readonly publicUrl: string
  /** The URLs of the resources, in the order of the configuration. */
  readonly resources: readonly ProtectedResource[]
  /** Where the parts listen that were started. */
  readonly urls: Readonly<Partial<Record<Part, string>>>
  /** Ends in order: no new requests, running ones finish, then everything closes. */
  close(): Promise<void>
}

interface StartOptions {
  /** All of them unless said otherwise. */
  readonly parts?: readonly Part[]
  readonly clock?: Clock
  readonly logTo?: NodeJS.WritableStream
}

const drainMilliseconds = 10_000
const sweepMilliseconds = 10 * 60 * 1000
/** What has expired is kept for a while: presenting it again is how theft is noticed. */
const keepMilliseconds = 24 * 3600 * 1000

/** Composition root: opens what the parts need, builds them, and lets them listen. Throws what an operator can mend. */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const { clock = systemClock, parts = ['gateway', 'authorization-server', 'admin'] } = options
  const base = await openBase(config, clock, options.logTo)
  const closers: (() => Promise<void> | void)[] = []
  const urls: Partial<Record<Part, string>> = {}
  const { host, internalHost } = config.listen

  const serve = async (part: Part, listener: RequestListener, address: { host: string; port: number }) => {
    const server = createHttpServer(config, listener)
    const setting = part === 'authorization-server' ? 'authorizationServer' : part
    const fix = part === 'gateway' ? '--port or listen.gateway' : `listen.${setting}`
    const port = await listen(server, { name: part, ...address, fix })
    urls[part] = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`
    closers.unshift(() => drain(server, drainMilliseconds))
    return port
  }

  try {
    let authorizationPort = config.listen.authorizationServer
    if (parts.includes('authorization-server')) {
      const server = await buildAuthorizationServer(config, base)
      const address = { host: internalHost, port: authorizationPort }
      authorizationPort = await serve('authorization-server', (req, res) => server.handle(req, res), address)
    }
    if (parts.includes('gateway')) {
      const gateway = await buildGateway(config, base, `http://${internalHost}:${authorizationPort}`)
      await serve('gateway', gateway.handle, { host, port: config.listen.gateway })
      closers.push(gateway.close)
      closers.unshift(gateway.endStreams)
    }
    if (parts.includes('admin')) {
      const ports = { version, checkReady: base.checkReady, renderMetrics: () => base.metrics.render() }
      const app = adminApp({ ...ports, isServed: (name) => isInternalHost(name, internalHost) })
      await serve('admin', getRequestListener(app.fetch), { host: internalHost, port: config.listen.admin })
    }
  } catch (error) {
    for (const close of closers) await close()
    await base.close()
    throw error
  }

  return {
    publicUrl: config.publicUrl,
    resources: base.resources.all,
    urls,
    async close() {
      for (const close of closers) await close()
      await base.close()
    },
  }
}

type Base = Awaited<ReturnType<typeof openBase>>

/** What every part needs: secret, store, keys, resources, and who takes note of requests. */
async function openBase(config: Config, clock: Clock, logTo: NodeJS.WritableStream | undefined) {
  const folder = resolve(config.data)
  const secret = loadMasterSecret(config.secret, folder)
  const store = await openStore({ folder, secret, clock })
  const algorithm = config.tokens.signingAlgorithm
  const log = createLog({ ...config.log, ...(logTo === undefined ? {} : { destination: logTo }) })
  const metrics = createMetrics()
  const audit = openAudit(config.audit.file ?? join(folder, 'audit.jsonl'), clock)
  const origins = publicOrigins(config.publicUrl)
  const resources = config.upstreams.map(({ name, path, baselineScopes }) => ({
    name,
    path,
    baselineScopes,
    resource: config.publicUrl + path,
  }))
  const observe: Observe = (event) => {
    log.request(event)
    metrics.request(event)
    audit.record(event)
  }
  const onFault = (error: unknown): void => log.logger.error({ err: error }, 'fault')
  const sweep = async (): Promise<void> => {
    await store.artifacts.sweep(clock.now() - keepMilliseconds)
    await store.revocations.sweep(clock.now())
  }
  const sweeper = setInterval(() => void sweep().catch(onFault), sweepMilliseconds).unref()
  return {
    clock,
    secret,
    store,
    log,
    metrics,
    observe,
    onFault,
    origins,
    resources: resourceDirectory(resources, origins),
    tokenKeys: await openKeyRing({ store: store.keys, purpose: 'authorization-server', algorithm, clock }),
    identityKeys: await openKeyRing({ store: store.keys, purpose: 'gateway-identity', algorithm: 'ES256', clock }),
    stepUps: stepUps(store.artifacts, clock),
    checkReady: async () => void (await store.revocations.has('token', 'readiness')),
    async close() {
      clearInterval(sweeper)
      audit.close()
      await store.close()
    },
  }
}

async function buildAuthorizationServer(config: Config, base: Base) {
  const { store, resources } = base
  const isClient = async (name: string): Promise<boolean> =>
    config.clients.some(({ id }) => id === name) || (await store.artifacts.find('Client', name)) !== undefined
  return createAuthorizationServer({
    issuer: config.publicUrl,
    origins: base.origins,
    resources,
    clients: config.clients,
    identity: config.login.users === 'development' ? developmentIdentity(isClient) : closedIdentity,
    loginForm: config.login.users,
    dynamicRegistration: config.registration.dynamic === 'open',
    tokens: config.tokens,
    keys: base.tokenKeys,
    artifacts: store.artifacts,
    revocations: store.revocations,
    stepUps: base.stepUps,
    secret: base.secret,
    clock: base.clock,
    guard: buildGuard(config, base),
    observe: base.observe,
    onFault: base.onFault,
  })
}

async function buildGateway(config: Config, base: Base, authorizationServerUrl: string) {
  const { clock, secret, identityKeys, origins, resources, onFault } = base
  const issuers: TrustedIssuer[] = [
    {
      issuer: config.publicUrl,
      keys: base.tokenKeys.resolve,
      algorithms: base.tokenKeys.algorithms,
      tokenTypes: ['at+jwt'],
    },
    ...config.issuers.map(({ jwksUri, ...issuer }) => ({
      ...issuer,
      keys: createRemoteJWKSet(new URL(jwksUri)),
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    })),
  ]
  const denyList = await openDenyList(base.store.revocations, clock, onFault)
  const upstreams = resources.all.map((resource, index) => buildUpstream(resource, config.upstreams[index]!, base))
  const authorizationServer = authorizationServerProxy({
    url: authorizationServerUrl,
    publicHost: new URL(config.publicUrl).host,
  })
  const gateway = createGateway({
    origins,
    guard: buildGuard(config, base),
    routes: buildRoutes(upstreams, upstreams.find(({ path }) => path === resources.fallback?.path)),
    mcp: mcpHandler({
      tokens: createTokenVerifier({
        issuers,
        clock,
        isRevoked: denyList.isRevoked,
        onVerified: base.metrics.verified,
      }),
      stepUps: base.stepUps,
      sessions: sealedSessions(sealer(secret.derive('gateway/session'))),
      identity: identityTokens(config.publicUrl + identityIssuerSuffix, identityKeys, clock),
      limits: config.limits,
    }),
    issuers: issuers.map(({ issuer }) => issuer),
    identityKeys: identityKeys.publicJwks,
    authorizationServer,
    observe: base.observe,
    onFault,
  })
  return {
    ...gateway,
    async close() {
      denyList.close()
      await Promise.all(upstreams.map(({ connector }) => connector.close()))
      await authorizationServer.close()
    },
  }
}

/** The issuer of identity tokens is the gateway's own, so that no verifier can take one for an access token. */
const identityIssuerSuffix = identityKeysPath.slice(0, identityKeysPath.lastIndexOf('/'))

function buildUpstream(resource: ProtectedResource, config: UpstreamConfig, { log }: Base): Upstream {
  const { name, url, command, credential } = config
  return {
    ...resource,
    connector: buildConnector(config, {
      onStderr: (line) => log.logger.info({ upstream: name }, `${name}: ${scrub(line)}`),
      onExit: (reason) => log.logger.info({ upstream: name }, `${name}: the stdio server ${reason}`),
    }),
    identityAudience: command === undefined && credential === 'identity' ? url : undefined,
  }
}

function buildConnector(
  { url, command, connectSeconds, responseSeconds }: UpstreamConfig,
  listeners: { onStderr: (line: string) => void; onExit: (reason: string) => void },
): Connector {
  if (command !== undefined) return stdioConnector({ command, ...listeners })
  if (url !== undefined) return httpConnector({ url, connectSeconds, responseSeconds })
  throw new Error('an upstream has neither url nor command')
}

function buildGuard(config: Config, { origins }: Base) {
  return createGuard({
    hosts: [...origins.map((origin) => new URL(origin).host), ...config.allowedHosts.map((name) => name.toLowerCase())],
    origins: [...origins, ...config.cors.origins],
    anyLoopbackOrigin: config.mode === 'development',
  })
}

function isInternalHost(hostHeader: string, internalHost: string): boolean {
  const { hostname } = URL.parse(`http://${hostHeader}`) ?? { hostname: '' }
  return ['localhost', '127.0.0.1', '[::1]', internalHost].includes(hostname)
}

function createHttpServer(config: Config, listener: RequestListener): Server {
  return createServer(
    {
      maxHeaderSize: config.limits.headerBytes,
      headersTimeout: 15_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      requireHostHeader: true,
    },
    listener,
  )
}
