import { redirectProblem } from '../core/redirect-uri.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { errors } from './library.ts'

/** Client metadata as it arrives: RFC 7591 section 2. Untrusted. */
export type ClientMetadata = Record<string, unknown>

const grantTypes = new Set(['authorization_code', 'refresh_token'])

/** Where the requested scope of a registration is kept: as an allowlist it would stop every later step-up. */
export const requestedScopeField = 'requested_scope'

/** Members that are optional texts, for which some clients send an empty string or null. */
const optionalTexts = [
  'client_name',
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
  'software_id',
  'software_version',
  'scope',
]

/**
 * Makes a registration request acceptable that real clients send: drops empty optional members and addresses that
 * are no e-mail, keeps grants that exist here, and derives `application_type` where it is missing. The body is
 * untrusted; what is left is still checked by the library and by `refuseRedirects`.
 */
export function cleanRegistration(body: ClientMetadata): ClientMetadata {
  const metadata: ClientMetadata = { ...body }
  for (const field of optionalTexts) {
    if (metadata[field] === '' || metadata[field] === null) delete metadata[field]
  }
  if (typeof metadata['scope'] === 'string') metadata[requestedScopeField] = metadata['scope']
  delete metadata['scope']
  // Addresses that the server would have to fetch, chosen by anybody.
  for (const field of ['jwks_uri', 'sector_identifier_uri']) delete metadata[field]
  if ('contacts' in metadata) metadata['contacts'] = mailAddresses(metadata['contacts'])
  if (Array.isArray(metadata['grant_types'])) {
    const kept = metadata['grant_types'].filter((type) => grantTypes.has(type as string))
    metadata['grant_types'] = kept.includes('authorization_code') ? kept : ['authorization_code', ...kept]
  }
  // The default of RFC 7591 is a secret, which a client that names no method does not expect.
  metadata['token_endpoint_auth_method'] ??= 'none'
  metadata['application_type'] ??= isNative(metadata['redirect_uris']) ? 'native' : 'web'
  return metadata
}

/**
 * Refuses redirect URIs that lead neither to https nor to a loopback address (MCP authorization, "Redirect URIs"),
 * and says which one and why. Throws InvalidRedirectUri.
 */
export function refuseRedirects(redirectUris: unknown): void {
  for (const uri of Array.isArray(redirectUris) ? redirectUris : []) {
    const problem = redirectProblem(String(uri))
    if (problem !== undefined) {
      throw new errors.InvalidClientMetadata(
        `redirect_uris must lead to https or to this computer: one ${problem}`,
      )
    }
  }
}

function isNative(redirectUris: unknown): boolean {
  return (
    Array.isArray(redirectUris) &&
    redirectUris.some((uri) => {
      const url = URL.parse(String(uri))
      return (
        url !== null && (url.protocol === 'http:' ? isLoopbackHost(url.hostname) : url.protocol !== 'https:')
      )
    })
  )
}

function mailAddresses(contacts: unknown): string[] {
  return Array.isArray(contacts)
    ? contacts.filter(
        (contact): contact is string => typeof contact === 'string' && /^[^\s@]+@[^\s@]+$/.test(contact),
      )
    : []
}
