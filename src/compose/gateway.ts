import type { StepUps } from '../authorization-server/consent/step-up.ts'
import type { Config } from '../config/schema.ts'
import { repeatableSealer, sealer } from '../core/secret.ts'
import { createAdmission } from '../gateway/admission.ts'
import type { StepUpMemory } from '../gateway/challenge-step-up.ts'
import { mcpHandler } from '../gateway/handler.ts'
import { buildRoutes } from '../gateway/routes.ts'
import { sealedSessions } from '../gateway/sealed/session.ts'
import { sealedStreamIds } from '../gateway/sealed/stream-ids.ts'
import { sealedTaskIds } from '../gateway/sealed/task-ids.ts'
import { createGateway, type Gateway } from '../gateway/server.ts'
import { proofNonces } from '../gateway/token/proof-nonces.ts'
import { createTokenVerifier, type TrustedIssuer } from '../gateway/token/token-verifier.ts'
import { createProofVerifier, type ProofVerifier } from '../gateway/token/verify-proof.ts'
import type { Upstream } from '../gateway/upstream.ts'
import { clientAddress } from '../http/client-address.ts'
import { seenOnceModel } from '../storage/artifact-contract.ts'
import { ownTokens } from './accepted-tokens.ts'
import type { Base } from './base.ts'
import { type OpenedIssuer, openIssuers } from './issuers.ts'
import type { Lasting } from './lasting.ts'
import { type BuiltUpstream, draftUpstreams } from './upstreams.ts'

/** A gateway with the parts that it was built from. */
export interface BuiltGateway {
  readonly gateway: Gateway
  readonly upstreams: readonly BuiltUpstream[]
  /** The issuers other than the built-in authorization server. */
  readonly issuers: readonly OpenedIssuer[]
}

/** A prepared gateway, which can be built or discarded. */
export interface PreparedGateway {
  /** Builds it. Nothing can fail any more, since connectors that were taken over are in use. */
  build(): BuiltGateway
  discard(): void
}

/**
 * Does everything for the gateway of a configuration that can fail. What has not changed since the one
 * `before` it is taken over from there. Throws problems that an operator can fix.
 */
export async function prepareGateway(
  config: Config,
  base: Base,
  { lasting, before }: { readonly lasting: Lasting; readonly before: BuiltGateway | undefined },
): Promise<PreparedGateway> {
  const { clock, secret, identityKeys, site, resources, onFault } = base
  const others = await openIssuers(config, base, before?.issuers ?? [])
  const issuers = trustedIssuers(
    config,
    base,
    others.map(({ trusted }) => trusted),
  )
  const tokens = createTokenVerifier({
    issuers,
    clock,
    isRevoked: lasting.denyList.isRevoked,
    onVerified: base.metrics.verified,
  })
  const drafted = draftUpstreams(config, before?.upstreams ?? [], { base, lasting })
  const gatewayTo = (upstreams: readonly Upstream[]): Gateway =>
    createGateway({
      site,
      guard: base.guard,
      clientAddress: clientAddress(config.trustedProxies, base.proxyHint),
      routes: buildRoutes(
        site,
        upstreams,
        upstreams.find(({ path }) => path === resources.root?.path),
      ),
      mcp: mcpHandler({
        tokens,
        proofs: buildProofVerifier(config, base),
        admission: createAdmission(config.limits, base.rateLimit, lasting.running),
        stepUps: rememberOwn(site.url, base.stepUps),
        sessions: sealedSessions(sealer(secret.derive('gateway/session')), clock),
        streamIds: sealedStreamIds(
          repeatableSealer(secret.derive('gateway/stream'), secret.derive('gateway/stream-nonce')),
        ),
        taskIds: sealedTaskIds(
          repeatableSealer(secret.derive('gateway/task'), secret.derive('gateway/task-nonce')),
        ),
        listeners: lasting.listeners,
        limits: config.limits,
        recorder: base.trail,
        traces: base.traces,
      }),
      isCurrent: (principal) => tokens.isCurrent(principal),
      issuers: issuers.map((trusted) => trusted.issuer),
      identityKeys: () => identityKeys.publicJwks,
      authorizationServer: lasting.authorizationServer,
      observe: base.observe,
      recorder: base.trail,
      traces: base.traces,
      onFault,
    })
  return {
    build() {
      const upstreams = drafted.build()
      const gateway = gatewayTo(upstreams.map(({ upstream }) => upstream))
      return { gateway, upstreams, issuers: others }
    },
    discard: () => drafted.discard(),
  }
}

function trustedIssuers(
  { authorizationServer }: Config,
  { site, tokenKeys }: Base,
  others: readonly TrustedIssuer[],
): readonly TrustedIssuer[] {
  if (authorizationServer === 'external') return others
  return [
    {
      ...ownTokens(site.url),
      keys: tokenKeys.resolve,
      // Keys of another algorithm can be added while this process runs.
      get algorithms() {
        return tokenKeys.algorithms
      },
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

/** Only clients of the built-in authorization server return to it to ask for more. */
function rememberOwn(own: string, stepUps: StepUps): StepUpMemory {
  return {
    remember: async ({ issuer, ...need }) => {
      if (issuer === own) await stepUps.remember(need)
    },
  }
}
