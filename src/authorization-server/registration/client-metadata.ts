import { redirectProblem } from '../../core/redirect-uri.ts'
import { isLoopbackHost } from '../../core/resource.ts'
import { errors } from '../library/library.ts'
import { requestedScopeField } from './client-fields.ts'

/** Client metadata as it arrives: RFC 7591 section 2. Untrusted. */
export type ClientMetadata = Record<string, unknown>

/** What a self-registered client may do. Everything else is up to the operator. */
const grantTypes = new Set(['authorization_code', 'refresh_token'])

/** The members that a client may choose for itself. Anything else that it sends has no effect. */
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

/** Optional string members, for which some clients send an empty string. */
export const optionalTexts: readonly string[] = [
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'client_name',
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
  'software_id',
  'software_version',
  'scope',
]

/** Addresses for people. Nothing here shows or fetches them. */
export const shownAddresses: ReadonlySet<string> = new Set([
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
])

/**
 * Makes registration requests of real clients acceptable: drops null members, empty optional strings,
 * addresses that are no web addresses and contacts that are no e-mail addresses, for all of which the library
 * would refuse the whole client; keeps only the members, grants and response types that a client may choose,
 * since a server may replace what was asked for (RFC 7591 section 3.2.1); and derives `application_type` if it
 * is missing or unknown, or if it contradicts that any loopback port is meant. The body is untrusted; the
 * library and `checkMetadata` still check what is left. Throws InvalidClientMetadata.
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
  for (const field of shownAddresses) {
    if (!isWebAddress(metadata[field])) delete metadata[field]
  }
  if (typeof metadata['scope'] === 'string') metadata[requestedScopeField] = metadata['scope']
  delete metadata['scope']
  if ('contacts' in metadata) metadata['contacts'] = mailAddresses(metadata['contacts'])
  if (Array.isArray(metadata['grant_types'])) {
    const kept = metadata['grant_types'].filter((type) => grantTypes.has(type as string))
    metadata['grant_types'] = kept.includes('authorization_code') ? kept : ['authorization_code', ...kept]
  }
  const { response_types: responseTypes } = metadata
  // A list without `code` is of a client that cannot use it, and is left for the library to refuse.
  if (Array.isArray(responseTypes) && (responseTypes.includes('code') || responseTypes.length === 0))
    metadata['response_types'] = ['code']
  // The default of RFC 7591 is a secret, which a client that names no method does not expect.
  metadata['token_endpoint_auth_method'] ??= 'none'
  // Says nothing of a client that signs nothing.
  if (metadata['token_endpoint_auth_method'] !== 'private_key_jwt')
    delete metadata['token_endpoint_auth_signing_alg']
  if (isNative(metadata['redirect_uris'])) metadata['application_type'] = 'native'
  else if (metadata['application_type'] !== 'native') metadata['application_type'] = 'web'
  return metadata
}

/**
 * Refuses redirect URIs that lead neither to https nor to a loopback address (MCP authorization, "Redirect
 * URIs"), unless the operator allowed them, and says why. Throws InvalidClientMetadata.
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

/** A list of strings, or a set of keys that contain lists themselves (RFC 7517 section 4.3). */
const listDepth = 1
const keySetDepth = 4

/**
 * Whether lists and objects are nested no deeper, since later readers use recursion. The value is untrusted.
 */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1))
}

/**
 * Whether one of the redirect URIs leads to a local program, for which any loopback port is meant (RFC 8252
 * section 7.3). Untrusted.
 */
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

function isWebAddress(value: unknown): boolean {
  return typeof value === 'string' && /^https?:$/.test(URL.parse(value)?.protocol ?? '')
}

/** As HTML defines them, and the library checks them. */
const mailAddress = /^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d-]+(?:\.[a-z\d-]+)*$/i

function mailAddresses(contacts: unknown): string[] {
  return Array.isArray(contacts)
    ? contacts.filter(
        (contact): contact is string => typeof contact === 'string' && mailAddress.test(contact),
      )
    : []
}
