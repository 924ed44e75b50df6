import { rememberedConsents } from '../authorization-server/consent/remembered-consent.ts'
import type { AuthorizationServer } from '../authorization-server/contract.ts'
import { createAuthorizationServer } from '../authorization-server/server.ts'
import type { AssertionIssuer } from '../authorization-server/settings.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { underAllNames } from '../core/public-keys.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { ScopeCatalogue } from '../core/scope-catalogue.ts'
import { createSafeFetch } from '../http/safe-fetch.ts'
import { userAgentOf } from '../version.ts'
import type { Base } from './base.ts'
import { openIssuerKeys } from './issuers.ts'
import { buildLogin } from './login.ts'
import { documentProbes } from './way-out.ts'

/** Documents have at most 5 KB; key sets may be larger. */
const fetchBounds = { maxBytes: 16 * 1024, milliseconds: 2500, running: { perHost: 4, total: 32 } }

/**
 * The keys of an identity provider that issues assertions, from the configured URL or the one in its
 * metadata.
 */
function openAssertionIssuer(
  {
    issuer,
    jwksUri,
    algorithms,
    tenant,
    subjectPrefix = `${issuer}#`,
  }: Config['grants']['identityAssertions'][number],
  config: Config,
  clock: Clock,
): AssertionIssuer {
  const keys = openIssuerKeys({ issuer, jwksUri }, config, clock)
  return { issuer, algorithms: underAllNames(algorithms), tenant, subjectPrefix, keys }
}

/** Builds the authorization server of a configuration. */
export async function buildAuthorizationServer(config: Config, base: Base): Promise<AuthorizationServer> {
  const { store, resources, wayOut } = base
  const { limits, registration, tokens } = config
  const allowLoopback = isLoopbackHost(new URL(config.publicUrl).hostname)
  const probes = documentProbes(config, { allowLoopback })
  const fetchOptions = {
    allowLoopback,
    userAgent: userAgentOf(config.publicUrl),
    ...fetchBounds,
  }
  const fetchSafely = createSafeFetch(fetchOptions)
  const server = await createAuthorizationServer({
    site: base.site,
    resources,
    scopes: new ScopeCatalogue(config.scopes),
    clients: config.clients,
    ...(await buildLogin(config, base)),
    sessions: config.login,
    registration: {
      ...registration,
      // A client whose refresh token still works is not idle.
      idleSeconds: Math.max(registration.idleSeconds, tokens.refreshIdleSeconds),
    },
    requestLimits: { perNetwork: limits.authorizationsPerNetwork, total: limits.authorizations },
    rateLimit: base.rateLimit,
    registered: store.clients,
    fetchSafely: wayOut.watch(fetchSafely),
    // Separate places, which strangers cannot take up.
    fetchForApproved: wayOut.watch(createSafeFetch(fetchOptions), { forApproved: true }),
    async announcesDocuments() {
      const state = await wayOut.state()
      // A mere doubt does not disable documents if there may be no other way to register.
      return state === 'there' || (state === 'doubtful' && registration.dynamic !== 'open')
    },
    tokens,
    grants: {
      deviceCode: config.grants.deviceCode === 'on',
      tokenExchange: config.grants.tokenExchange === 'on',
      assertionIssuers: config.grants.identityAssertions.map((issuer) =>
        openAssertionIssuer(issuer, config, base.clock),
      ),
      findVouched: (issuer, subject) => store.identities.findUser(issuer, subject),
    },
    dpop: config.dpop,
    keys: base.tokenKeys,
    artifacts: store.artifacts,
    revocations: store.revocations,
    stepUps: base.stepUps,
    consents: store.consents,
    rememberedConsents: rememberedConsents({
      consents: store.consents,
      clock: base.clock,
      days: config.consent.rememberDays,
    }),
    secret: base.secret,
    clock: base.clock,
    guard: base.guard,
    observe: base.observe,
    recorder: base.trail,
    traces: base.traces,
    onFault: base.onFault,
  })
  const stopTrying = wayOut.keepTrying(probes, fetchSafely)
  return {
    ...server,
    stop() {
      stopTrying()
      server.stop()
    },
  }
}
