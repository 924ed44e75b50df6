import {
  allowInsecureRequests,
  type ClientAuth,
  ClientError,
  type Configuration,
  customFetch,
  discovery,
  type ServerMetadata,
} from 'openid-client'
import { foreignUrlProblem, type OperatorFetch } from '../http/operator-fetch.ts'

/** The metadata of an issuer cannot be trusted or used. The message is for the operator. */
export class IssuerInvalid extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IssuerInvalid'
  }
}

/** An issuer does not answer. The message is for the operator. */
export class IssuerAway extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IssuerAway'
  }
}

interface IssuerAccess {
  /** As the operator wrote it. */
  readonly issuer: string
  /** The origins that the operator chose: the issuer's own, and others that are named. */
  readonly origins: readonly string[]
  readonly fetch: OperatorFetch
  /** The client that we are there. */
  readonly clientId: string
  readonly clientAuthentication: ClientAuth
  /** Which document to read: that of OpenID Connect, or that of RFC 8414. */
  readonly document?: 'oidc' | 'oauth2'
}

/**
 * Reads an issuer's metadata (OpenID Connect Discovery section 4, RFC 8414 section 3). The document must name
 * the issuer itself, and endpoints that are on the operator's origins or on the public internet over https.
 * Throws IssuerInvalid and IssuerAway.
 */
export async function discoverIssuer(access: IssuerAccess): Promise<Configuration> {
  const { issuer, clientId, clientAuthentication, fetch, document = 'oidc' } = access
  const isPlain = issuer.startsWith('http:')
  const configuration = await discovery(new URL(issuer), clientId, undefined, clientAuthentication, {
    algorithm: document,
    [customFetch]: fetch,
    // The schema allows plain http only for loopback.
    execute: isPlain ? [allowInsecureRequests] : [],
  }).catch((error: unknown) => {
    throw explain(issuer, error)
  })
  const problem = endpointProblem(configuration.serverMetadata(), access.origins)
  if (problem !== undefined) throw new IssuerInvalid(`the metadata of ${issuer} ${problem}`)
  return configuration
}

function explain(issuer: string, error: unknown): Error {
  if (error instanceof ClientError) {
    if (error.cause instanceof Response) {
      const { status } = error.cause
      return status >= 500 || status === 429
        ? new IssuerAway(`${issuer} answers ${status} where its metadata should be`)
        : new IssuerInvalid(`${issuer} answers ${status} where its metadata should be: is the issuer right?`)
    }
    if (error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') {
      const named = (error.cause as { body?: { issuer?: unknown } } | undefined)?.body?.issuer
      return new IssuerInvalid(`the metadata of ${issuer} names another issuer: ${JSON.stringify(named)}`)
    }
    if (error.code !== 'OAUTH_TIMEOUT' && error.code !== undefined)
      return new IssuerInvalid(`the metadata of ${issuer} cannot be used: ${error.message}`, { cause: error })
  }
  return new IssuerAway(`${issuer} cannot be reached`, { cause: error })
}

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
] as const

/** Describes what is wrong with the endpoints of a document. The document is untrusted. */
function endpointProblem(metadata: ServerMetadata, origins: readonly string[]): string | undefined {
  for (const name of endpoints) {
    const value: unknown = metadata[name]
    if (value === undefined) continue
    const url = typeof value === 'string' ? URL.parse(value) : null
    if (url === null) return `has a ${name} that is no URL`
    if (origins.includes(url.origin)) continue
    const problem = foreignUrlProblem(url)
    if (problem !== undefined) return `has a ${name} that is not used: ${problem}`
  }
  return undefined
}
