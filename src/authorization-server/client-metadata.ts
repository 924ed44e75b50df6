import { redirectProblem } from '../core/redirect-uri.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { requestedScopeField } from './client-fields.ts'
import { errors } from './library.ts'

/** Client metadata as it arrives: RFC 7591 section 2. Untrusted. */
export type ClientMetadata = Record<string, unknown>

/** What a client that registered itself may do. Everything else is the operator's to give. */
const grantTypes = new Set(['authorization_code', 'refresh_token'])

/** The members that a client may choose for itself. The rest of what it sends has no effect. */
const ownMembers = new Set([
  'redirect_uris',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'grant_types',
  'response_types',
  'client_name',
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
  'scope',
  'contacts',
  'application_type',
  'software_id',
  'software_version',
  'jwks',
  'post_logout_redirect_uris',
  'dpop_bound_access_tokens',
  'require_pushed_authorization_requests',
])

/** Members that are optional texts, for which some clients send an empty string. */
export const optionalTexts: readonly string[] = [
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
 * Makes a registration request acceptable that real clients send: drops members that are null, empty optional texts and
 * addresses that are no e-mail, keeps the members and grants that are a client's to choose, and derives `application_type` where it is
 * missing, or hides that any port of loopback is meant. The body is untrusted; what is left is still checked by the library and by `checkMetadata`.
 * Throws InvalidClientMetadata.
 */
export function cleanRegistration(body: ClientMetadata): ClientMetadata {
  const members = Object.entries(body).filter(([member, value]) => ownMembers.has(member) && value !== null)
  for (const [member, value] of members)
    if (!isShallow(value, member === 'jwks' ? keySetDepth : listDepth))
      throw new errors.InvalidClientMetadata(`${member} has a value that is none of its kind`)
  const metadata: ClientMetadata = Object.fromEntries(members)
  for (const field of optionalTexts) {
    if (metadata[field] === '') delete metadata[field]
  }
  if (typeof metadata['scope'] === 'string') metadata[requestedScopeField] = metadata['scope']
  delete metadata['scope']
  if ('contacts' in metadata) metadata['contacts'] = mailAddresses(metadata['contacts'])
  if (Array.isArray(metadata['grant_types'])) {
    const kept = metadata['grant_types'].filter((type) => grantTypes.has(type as string))
    metadata['grant_types'] = kept.includes('authorization_code') ? kept : ['authorization_code', ...kept]
  }
  // The default of RFC 7591 is a secret, which a client that names no method does not expect.
  metadata['token_endpoint_auth_method'] ??= 'none'
  if (isNative(metadata['redirect_uris'])) metadata['application_type'] = 'native'
  metadata['application_type'] ??= 'web'
  return metadata
}

/**
 * Refuses redirect URIs that lead neither to https nor to a loopback address (MCP authorization, "Redirect URIs"),
 * or to an address that the operator allowed, and says why. Throws InvalidClientMetadata.
 */
export function refuseRedirects(redirectUris: unknown, privateUse: readonly string[]): void {
  for (const uri of Array.isArray(redirectUris) ? redirectUris : []) {
    const problem = redirectProblem(String(uri), privateUse)
    if (problem !== undefined) {
      throw new errors.InvalidClientMetadata(
        `redirect_uris must lead to https or to this computer: one ${problem}`,
      )
    }
  }
}

/** A list of texts, and a set of keys that have lists themselves (RFC 7517 section 4.3). */
const listDepth = 1
const keySetDepth = 4

/** Whether lists and objects are nested no deeper: what reads them later does so by recursion. The value is untrusted. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1))
}

/** Whether one of the redirect URIs leads to a program, where any port of loopback is meant (RFC 8252 section 7.3). Untrusted. */
export function isNative(redirectUris: unknown): boolean {
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
