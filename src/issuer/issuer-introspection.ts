import type { JWTPayload } from 'jose'
import { allowInsecureRequests, Configuration, customFetch, tokenIntrospection } from 'openid-client'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import type { CachedMetadata } from './cached-metadata.ts'
import { type ClientSecret, secretAuthentication } from './client-secret.ts'
import { explainFailure } from './explain-failure.ts'

interface IntrospectionSettings {
  readonly issuer: string
  /** Undefined: as the metadata says. */
  readonly url: string | undefined
  readonly clientId: string
  readonly clientSecret: ClientSecret
}

/**
 * Asks an issuer about tokens (RFC 7662). Resolves to its answer, or to undefined for a token that is not
 * active.
 */
export function issuerIntrospection(
  { issuer, url, clientId, clientSecret }: IntrospectionSettings,
  metadata: CachedMetadata,
  fetch: OperatorFetch,
): (token: string) => Promise<JWTPayload | undefined> {
  const open = async (): Promise<Configuration> => {
    await clientSecret.lookUp?.()
    const found = url === undefined ? (await metadata()).serverMetadata() : undefined
    const endpoint = url ?? found?.introspection_endpoint
    if (endpoint === undefined) throw new Error('the metadata of the issuer names no introspection endpoint')
    const configuration = new Configuration(
      { issuer, introspection_endpoint: endpoint },
      clientId,
      undefined,
      secretAuthentication(clientSecret, found?.introspection_endpoint_auth_methods_supported),
    )
    configuration[customFetch] = fetch
    // An address that the operator named, which may be on loopback: nothing else with plain http gets this
    // far.
    if (endpoint.startsWith('http:')) allowInsecureRequests(configuration)
    return configuration
  }
  return async (token) => {
    try {
      const { active, ...claims } = await tokenIntrospection(await open(), token)
      return active ? claims : undefined
    } catch (error) {
      throw new Error(explainFailure(error).message, { cause: error })
    }
  }
}
