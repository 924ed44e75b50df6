import type { CredentialConfig } from '../config/schema/credential-schema.ts'
import type { UpstreamConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { isBearerToken, isHeaderValue } from '../core/header-field.ts'
import { identityCredential } from '../gateway/identity-credential.ts'
import type { IdentityTokens } from '../gateway/identity-token.ts'
import type { Log } from '../telemetry/log.ts'
import type { UpstreamCredential } from '../upstream/contract.ts'
import { clientCredentials } from '../upstream/credential/client-credentials.ts'
import { headerCredential, noCredential } from '../upstream/credential/header-credential.ts'
import { fixedSecret, type Secret, watchedSecret } from '../upstream/credential/secret.ts'
import { tokenClient } from '../upstream/credential/token-client.ts'
import { tokenExchange } from '../upstream/credential/token-exchange.ts'
import { tellOfFile } from './read-secret.ts'

interface CredentialPorts {
  readonly identity: IdentityTokens
  readonly log: Log
  readonly clock: Clock
}

const maxTokenSeconds = 10

/** Builds the credential that the gateway presents to one MCP server. */
export function buildCredential(config: UpstreamConfig, ports: CredentialPorts): UpstreamCredential {
  const { url, credential } = config
  if (url === undefined || credential === 'none') return noCredential
  if (credential === 'identity') return identityCredential(ports.identity, url)
  const secret = secretsOf(config.name, ports.log)
  if (credential.kind === 'bearer') {
    const { token, tokenFile } = credential
    return headerCredential('Authorization', 'Bearer ', secret(token, tokenFile, isBearerToken))
  }
  if (credential.kind === 'header') {
    const { name, value, valueFile } = credential
    return headerCredential(name, '', secret(value, valueFile, isHeaderValue))
  }
  return buildTokenCredential(credential, config, { ...ports, secret })
}

function buildTokenCredential(
  credential: Extract<CredentialConfig, { tokenUrl: string }>,
  { responseSeconds }: UpstreamConfig,
  { identity, clock, secret }: CredentialPorts & { readonly secret: OpenSecret },
): UpstreamCredential {
  const { kind, tokenUrl, clientId } = credential
  const client = tokenClient({
    tokenUrl,
    clientId,
    clientSecret: secret(credential.clientSecret, credential.clientSecretFile, Boolean),
    seconds: Math.min(responseSeconds, maxTokenSeconds),
  })
  if (kind === 'client-credentials') return clientCredentials(client, credential, clock)
  return tokenExchange({
    client,
    target: credential,
    subjectToken: async (principal) => (await identity.mint(principal, tokenUrl)).token,
    clock,
  })
}

type OpenSecret = (
  value: string | undefined,
  file: string | undefined,
  isUsable: (text: string) => boolean,
) => Secret

/**
 * Opens the secrets of one server, from the configuration or a file. What happens to a file is logged, but
 * never its content.
 */
function secretsOf(upstream: string, log: Log): OpenSecret {
  return (value, file, isUsable) => {
    if (file === undefined) return fixedSecret(value ?? '')
    return watchedSecret({ file, isUsable, ...tellOfFile({ upstream }, file, log) })
  }
}
