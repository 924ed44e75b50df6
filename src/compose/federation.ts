import { endAccess } from '../authorization-server/account/end-access.ts'
import { personLogin } from '../authorization-server/paths.ts'
import { describeProvider, type ProviderDescription } from '../config/describe-provider.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import { reasonOf } from '../core/reason-of.ts'
import { createOperatorFetch } from '../http/operator-fetch.ts'
import type { Identity } from '../identity/contract.ts'
import { federatedIdentity } from '../identity/federated.ts'
import type { FederatedProvider } from '../identity/federated-provider.ts'
import type { Federation, LoginProvider } from '../identity/provider-contract.ts'
import { IssuerAway, IssuerInvalid } from '../issuer/discover-issuer.ts'
import { githubApi, githubProvider } from '../issuer/github-provider.ts'
import { openIdProvider } from '../issuer/openid-provider.ts'
import type { ProviderSettings } from '../issuer/provider-settings.ts'
import { userAgentOf } from '../version.ts'
import type { Base } from './base.ts'
import { clientSecret } from './read-secret.ts'

/** Answers of providers are small; the token of a user in many groups has some kilobytes. */
const fetchBounds = { maxBytes: 256 * 1024, milliseconds: 5000, running: 32 }

/** The URL that a provider sends browsers back to. It must be registered there in full. */
export function callbackUrl({ publicUrl }: Pick<Config, 'publicUrl'>, name: string): string {
  return publicUrl + personLogin.callback(name)
}

/**
 * Adds the identity providers of a configuration to the ways to log in. Throws ConfigurationInvalid for a
 * provider whose metadata cannot be trusted; one that does not answer is reported in the log, and asked again
 * when somebody logs in.
 */
export async function buildFederation(
  config: Config,
  base: Base,
  others: Identity,
): Promise<{ identity: Identity; federation: Federation | undefined }> {
  const described = config.login.providers.map(describeProvider)
  if (described.length === 0) return { identity: others, federation: undefined }
  const { store, clock, log } = base
  const { users, identities } = store
  const providers: FederatedProvider[] = []
  for (const [index, description] of described.entries()) {
    const provider = await buildProvider(description, { config, base, index })
    const { claims, allow, deny } = description
    providers.push({ provider, claims, rules: { allow, deny }, times: description })
  }
  return federatedIdentity({
    providers,
    others,
    users,
    identities,
    clock,
    endAccess: (accountId) => endAccess({ ...store, clock }, accountId),
    onAway: (provider, reason) =>
      log.logger.warn({ provider, reason }, `the identity provider ${provider} does not answer: ${reason}`),
    onWithdrawal: ({ provider, userId, reason }) =>
      log.logger.info(
        { provider, userId, reason },
        `the identity provider ${provider} no longer vouches for ${userId}, whose access has ended: ${reason}`,
      ),
  })
}

interface ProviderPlace {
  readonly config: Config
  readonly base: Base
  readonly index: number
}

async function buildProvider(
  description: ProviderDescription,
  { config, base, index }: ProviderPlace,
): Promise<LoginProvider> {
  const { issuer = '', kind, clientId, label, name, scopes, parameters, userinfo } = description
  const origins = [new URL(issuer).origin, ...description.origins]
  const settings: ProviderSettings = {
    name,
    label,
    issuer,
    clientId,
    scopes,
    parameters,
    userinfo,
    origins,
    clientSecret: clientSecret(description, { provider: name }, base.log),
    endsSession: description.logout === 'provider',
    callbackUrl: callbackUrl(config, name),
    afterLogoutUrl: `${config.publicUrl}/logout`,
  }
  const fetch = createOperatorFetch({
    origins: kind === 'github' ? [...origins, new URL(githubApi(issuer)).origin] : origins,
    userAgent: userAgentOf(config.publicUrl),
    ...fetchBounds,
  })
  if (kind === 'github') return githubProvider(settings, fetch)
  const provider = openIdProvider(settings, { fetch, clock: base.clock })
  try {
    await provider.check()
  } catch (error) {
    if (error instanceof IssuerInvalid)
      throw new ConfigurationInvalid([{ path: `login.providers[${index}].issuer`, message: error.message }])
    if (!(error instanceof IssuerAway)) throw error
    base.log.logger.warn(
      { provider: name, reason: reasonOf(error) },
      `${reasonOf(error)}: nobody can log in there yet`,
    )
  }
  return provider
}
