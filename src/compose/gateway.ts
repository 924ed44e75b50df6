import { describeArguments } from '../audit/arguments.ts'
import type { StepUps } from '../authorization-server/step-up.ts'
import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { mcpScopes } from '../core/scope-catalogue.ts'
import { repeatableSealer, sealer } from '../core/secret.ts'
import { createAdmission } from '../gateway/admission.ts'
import { authorizationServerProxy } from '../gateway/authorization-server-proxy.ts'
import type { StepUpMemory } from '../gateway/challenge-step-up.ts'
import { openDenyList } from '../gateway/deny-list.ts'
import { mcpHandler } from '../gateway/handler.ts'
import { type IdentityTokens, identityTokens } from '../gateway/identity-token.ts'
import { proofNonces } from '../gateway/proof-nonces.ts'
import { standardReading } from '../gateway/read-claims.ts'
import { buildRoutes, identityKeysPath } from '../gateway/routes.ts'
import { createGateway, type Gateway } from '../gateway/server.ts'
import { sealedSessions } from '../gateway/session.ts'
import { sealedTaskIds } from '../gateway/task-ids.ts'
import { createTokenVerifier, type TrustedIssuer } from '../gateway/token-verifier.ts'
import type { Upstream } from '../gateway/upstream.ts'
import { createProofVerifier, type ProofVerifier } from '../gateway/verify-proof.ts'
import { clientAddress } from '../http/client-address.ts'
import { findMethodWith } from '../mcp/methods.ts'
import { objectRules } from '../policy/object-rules.ts'
import { seenOnceModel } from '../storage/contract.ts'
import type { Base } from './base.ts'
import { buildConnector } from './connector.ts'
import { buildCredential } from './credential.ts'
import { openIssuers } from './issuers.ts'
import { type Owners, openOwners } from './owners.ts'
import { shareOf } from './share-limits.ts'

/** A gateway with the connections that it holds. */
export interface RunningGateway extends Gateway {
  readonly close: () => Promise<void>
}

/** Builds the gateway of a configuration, in front of an authorization server at a URL, or of none. */
export async function buildGateway(
  config: Config,
  base: Base,
  authorizationServerUrl: string | undefined,
): Promise<RunningGateway> {
  const { clock, secret, identityKeys, site, resources, onFault } = base
  const issuers = trustedIssuers(config, base, await openIssuers(config, base))
  const { url: issuer } = site
  const denyList = await openDenyList({ feed: base.store.revocations, issuer, clock, onFault })
  const identity = identityTokens(site.url + identityIssuerSuffix, identityKeys, clock)
  const owners = base.place && (await openOwners(base.place, onFault))
  const upstreams = resources.all.map((resource, index) =>
    buildUpstream(resource, config.upstreams[index]!, { base, identity, owners }),
  )
  const authorizationServer =
    authorizationServerUrl === undefined
      ? undefined
      : authorizationServerProxy({
          url: authorizationServerUrl,
          publicHost: new URL(site.url).host,
          changes: base.place !== undefined,
        })
  const tokens = createTokenVerifier({
    issuers,
    clock,
    isRevoked: denyList.isRevoked,
    onVerified: base.metrics.verified,
  })
  const gateway = createGateway({
    site,
    guard: base.guard,
    clientAddress: clientAddress(config.trustedProxies),
    routes: buildRoutes(
      site,
      upstreams,
      upstreams.find(({ path }) => path === resources.fallback?.path),
    ),
    mcp: mcpHandler({
      tokens,
      proofs: buildProofVerifier(config, base),
      admission: createAdmission(config.limits, base.rateLimit),
      stepUps: rememberOwn(issuer, base.stepUps),
      sessions: sealedSessions(sealer(secret.derive('gateway/session')), clock),
      taskIds: sealedTaskIds(
        repeatableSealer(secret.derive('gateway/task'), secret.derive('gateway/task-nonce')),
      ),
      limits: config.limits,
      recorder: base.trail,
      traces: base.traces,
    }),
    isCurrent: (principal) => tokens.isCurrent(principal),
    issuers: issuers.map((trusted) => trusted.issuer),
    identityKeys: () => identityKeys.publicJwks,
    authorizationServer,
    observe: base.observe,
    recorder: base.trail,
    traces: base.traces,
    onFault,
  })
  return {
    ...gateway,
    close: async () => {
      gateway.stop()
      denyList.close()
      for (const { credential } of upstreams) credential.close?.()
      await Promise.all(upstreams.map(({ connector }) => connector.close()))
      await owners?.close()
      await authorizationServer?.close()
    },
  }
}

/** The issuer of identity tokens is the gateway's own, so that no verifier can take one for an access token. */
const identityIssuerSuffix = identityKeysPath.slice(0, identityKeysPath.lastIndexOf('/'))

function trustedIssuers(
  { authorizationServer }: Config,
  { site, tokenKeys }: Base,
  others: readonly TrustedIssuer[],
): readonly TrustedIssuer[] {
  if (authorizationServer === 'external') return others
  return [
    {
      issuer: site.url,
      keys: tokenKeys.resolve,
      // Keys of another algorithm can come while this process runs.
      get algorithms() {
        return tokenKeys.algorithms
      },
      tokenTypes: ['at+jwt'],
      claims: standardReading,
      hasKey: tokenKeys.has,
    },
    ...others,
  ]
}

function buildProofVerifier({ dpop }: Config, { store, clock, secret, site }: Base): ProofVerifier {
  return createProofVerifier({
    origins: site.origins,
    clock,
    nonces: proofNonces(secret.derive('gateway/dpop-nonce'), clock),
    nonceRequired: dpop.nonce === 'required',
    firstUse: (id, expiresAt) =>
      store.artifacts.insertOnce({ model: seenOnceModel, id: `dpop\0${id}`, payload: {}, expiresAt }),
  })
}

/** Only clients of our own authorization server come back to it for more. */
function rememberOwn(own: string, stepUps: StepUps): StepUpMemory {
  return {
    remember: async ({ issuer, ...need }) => {
      if (issuer === own) await stepUps.remember(need)
    },
  }
}

function buildUpstream(
  resource: ProtectedResource,
  config: UpstreamConfig,
  {
    base,
    identity,
    owners,
  }: { readonly base: Base; readonly identity: IdentityTokens; readonly owners: Owners | undefined },
): Upstream {
  const { limits } = config
  const separatesTasks =
    config.separatesTasks ?? (config.command !== undefined && config.principals === 'isolated')
  return {
    ...resource,
    connector: buildConnector(config, base, owners),
    credential: buildCredential(config, { identity, log: base.log, clock: base.clock }),
    dpop: config.dpop,
    limits: {
      ...limits,
      running: shareOf(limits.running, base.place),
      streams: shareOf(limits.streams, base.place),
    },
    // Without knowing whose they are there is no list of tasks (MCP H6).
    findMethod: findMethodWith(config.methods, separatesTasks ? [] : ['tasks/list']),
    allScopes: [
      ...new Set([...resource.baselineScopes, ...mcpScopes, ...Object.values(config.methods).flat()]),
    ],
    separatesTasks,
    rules: objectRules(config.objects),
    listing: config.listing,
    describeArguments: describeArguments(config.audit, base.secret.derive('audit/arguments')),
  }
}
