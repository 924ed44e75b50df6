import { createRemoteJWKSet } from 'jose'
import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { sealer } from '../core/secret.ts'
import { authorizationServerProxy } from '../gateway/authorization-server-proxy.ts'
import { openDenyList } from '../gateway/deny-list.ts'
import { mcpHandler } from '../gateway/handler.ts'
import { identityTokens } from '../gateway/identity-token.ts'
import { buildRoutes, identityKeysPath } from '../gateway/routes.ts'
import { createGateway, type Gateway } from '../gateway/server.ts'
import { sealedSessions } from '../gateway/session.ts'
import { createTokenVerifier, type TrustedIssuer } from '../gateway/token-verifier.ts'
import type { Upstream } from '../gateway/upstream.ts'
import { scrub } from '../telemetry/scrub.ts'
import type { Connector } from '../upstream/contract.ts'
import { httpConnector } from '../upstream/http.ts'
import { stdioConnector } from '../upstream/stdio/connector.ts'
import type { Base } from './base.ts'

/** A gateway with the connections that it holds. */
export interface RunningGateway extends Gateway {
  readonly close: () => Promise<void>
}

/** Builds the gateway of a configuration, in front of an authorization server at a URL. */
export async function buildGateway(
  config: Config,
  base: Base,
  authorizationServerUrl: string,
): Promise<RunningGateway> {
  const { clock, secret, identityKeys, origins, resources, onFault } = base
  const issuers = trustedIssuers(config, base)
  const denyList = await openDenyList(base.store.revocations, clock, onFault)
  const upstreams = resources.all.map((resource, index) =>
    buildUpstream(resource, config.upstreams[index]!, base),
  )
  const authorizationServer = authorizationServerProxy({
    url: authorizationServerUrl,
    publicHost: new URL(config.publicUrl).host,
  })
  const gateway = createGateway({
    origins,
    guard: base.guard,
    routes: buildRoutes(
      upstreams,
      upstreams.find(({ path }) => path === resources.fallback?.path),
    ),
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
    close: async () => {
      denyList.close()
      await Promise.all(upstreams.map(({ connector }) => connector.close()))
      await authorizationServer.close()
    },
  }
}

/** The issuer of identity tokens is the gateway's own, so that no verifier can take one for an access token. */
const identityIssuerSuffix = identityKeysPath.slice(0, identityKeysPath.lastIndexOf('/'))

function trustedIssuers(config: Config, { tokenKeys }: Base): readonly TrustedIssuer[] {
  const { publicUrl: issuer } = config
  return [
    { issuer, keys: tokenKeys.resolve, algorithms: tokenKeys.algorithms, tokenTypes: ['at+jwt'] },
    ...config.issuers.map(({ jwksUri, ...external }) => ({
      ...external,
      keys: createRemoteJWKSet(new URL(jwksUri)),
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    })),
  ]
}

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
