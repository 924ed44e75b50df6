import type { AuthorizationServer } from '../authorization-server/contract.ts'
import { rememberedConsents } from '../authorization-server/remembered-consent.ts'
import { createAuthorizationServer } from '../authorization-server/server.ts'
import type { Config } from '../config/schema.ts'
import type { Base } from './base.ts'
import { buildLogin } from './login.ts'

/** Builds the authorization server of a configuration. */
export async function buildAuthorizationServer(config: Config, base: Base): Promise<AuthorizationServer> {
  const { store, resources } = base
  return createAuthorizationServer({
    issuer: config.publicUrl,
    origins: base.origins,
    resources,
    clients: config.clients,
    ...buildLogin(config, base),
    sessions: config.login,
    dynamicRegistration: config.registration.dynamic === 'open',
    tokens: config.tokens,
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
    onFault: base.onFault,
  })
}
