import { createRemoteJWKSet } from 'jose'
import type { AuthorizationServer } from '../authorization-server/contract.ts'
import { createAuthorizationServer } from '../authorization-server/server.ts'
import type { AssertionIssuer } from '../authorization-server/settings.ts'
import type { Config } from '../config/schema.ts'
import { closedIdentity, developmentIdentity } from '../identity/development.ts'
import type { Base } from './base.ts'

function describeAssertionIssuer({
  issuer,
  jwksUri,
  algorithms,
  subjectPrefix = `${issuer}#`,
}: Config['grants']['identityAssertions'][number]): AssertionIssuer {
  return { issuer, algorithms, subjectPrefix, keys: createRemoteJWKSet(new URL(jwksUri)) }
}

/** Builds the authorization server of a configuration. */
export async function buildAuthorizationServer(config: Config, base: Base): Promise<AuthorizationServer> {
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
    grants: {
      deviceCode: config.grants.deviceCode === 'on',
      tokenExchange: config.grants.tokenExchange === 'on',
      assertionIssuers: config.grants.identityAssertions.map(describeAssertionIssuer),
    },
    dpop: config.dpop,
    keys: base.tokenKeys,
    artifacts: store.artifacts,
    revocations: store.revocations,
    stepUps: base.stepUps,
    secret: base.secret,
    clock: base.clock,
    guard: base.guard,
    observe: base.observe,
    onFault: base.onFault,
  })
}
