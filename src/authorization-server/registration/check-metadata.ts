import { withoutNames } from '../../core/public-keys.ts'
import { errors } from '../library/library.ts'
import {
  allowedScopesField,
  allowedUpstreamsField,
  operatorClientField,
  requestedScopeField,
} from './client-fields.ts'
import { type ClientMetadata, cleanRegistration, isNative, refuseRedirects } from './client-metadata.ts'
import { isDocumentId } from './document-url.ts'

/** Our own members in addition to those of the standards. */
export const ownFields = [requestedScopeField, allowedScopesField, allowedUpstreamsField, operatorClientField]

/**
 * The last check of a client's metadata, however the client became known: the library calls this before its
 * own checks and uses what is left. If a grant is `absent` here, for example because its operator has
 * disabled it, the library would refuse the whole client, so the grant is removed. Throws
 * InvalidClientMetadata.
 */
export function checkMetadata(
  metadata: ClientMetadata,
  { privateUse, absent }: { readonly privateUse: readonly string[]; readonly absent: ReadonlySet<unknown> },
): void {
  if (isDocumentId(metadata['client_id'])) limitDocument(metadata)
  refuseRedirects(metadata['redirect_uris'], privateUse)
  const { grant_types: grantTypes } = metadata
  if (Array.isArray(grantTypes)) metadata['grant_types'] = grantTypes.filter((type) => !absent.has(type))
  if ('jwks' in metadata) metadata['jwks'] = withoutNames(metadata['jwks'])
  // Also for a client that an earlier version let be of another type.
  if (isNative(metadata['redirect_uris'])) metadata['application_type'] = 'native'
}

/**
 * Gives a metadata document, which is as untrusted as a registration, no more effect than one. Its keys may
 * be elsewhere; they are fetched as safely as the document.
 */
function limitDocument(metadata: ClientMetadata): void {
  const { client_id: clientId, client_name: name, redirect_uris: redirects, jwks_uri: keys } = metadata
  if (typeof name !== 'string' || name.trim() === '')
    throw new errors.InvalidClientMetadata('client_id metadata document has no client_name')
  if (!Array.isArray(redirects) || redirects.length === 0)
    throw new errors.InvalidClientMetadata('client_id metadata document has no redirect_uris')
  const cleaned = cleanRegistration(metadata)
  for (const member of Object.keys(metadata)) delete metadata[member]
  Object.assign(metadata, cleaned, { client_id: clientId }, keys === undefined ? {} : { jwks_uri: keys })
}
