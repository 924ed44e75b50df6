import {
  allowedScopesField,
  allowedUpstreamsField,
  operatorClientField,
  requestedScopeField,
} from '../client-fields.ts'
import { type ClientMetadata, cleanRegistration, isNative, refuseRedirects } from '../client-metadata.ts'
import { errors } from '../library.ts'
import { isDocumentId } from './document-url.ts'

/** Members of ours beside those of the standards. */
export const ownFields = [requestedScopeField, allowedScopesField, allowedUpstreamsField, operatorClientField]

/**
 * The last word on the metadata of a client, however it became known: the library calls this before its own checks
 * and takes what is left. Of a grant that is `absent` here, which its operator may have turned off since, it would refuse the
 * whole client. Throws InvalidClientMetadata.
 */
export function checkMetadata(
  metadata: ClientMetadata,
  { privateUse, absent }: { readonly privateUse: readonly string[]; readonly absent: ReadonlySet<unknown> },
): void {
  if (isDocumentId(metadata['client_id'])) tidyDocument(metadata)
  refuseRedirects(metadata['redirect_uris'], privateUse)
  const { grant_types: grantTypes } = metadata
  if (Array.isArray(grantTypes)) metadata['grant_types'] = grantTypes.filter((type) => !absent.has(type))
  // Also of a client that an earlier version let be another type.
  if (isNative(metadata['redirect_uris'])) metadata['application_type'] = 'native'
}

/**
 * Makes a metadata document, which is as untrusted as a registration, mean no more than one. Its keys may be elsewhere:
 * they are fetched as safely as the document was.
 */
function tidyDocument(metadata: ClientMetadata): void {
  const { client_id: clientId, client_name: name, redirect_uris: redirects, jwks_uri: keys } = metadata
  if (typeof name !== 'string' || name.trim() === '')
    throw new errors.InvalidClientMetadata('client_id metadata document has no client_name')
  if (!Array.isArray(redirects) || redirects.length === 0)
    throw new errors.InvalidClientMetadata('client_id metadata document has no redirect_uris')
  const cleaned = cleanRegistration(metadata)
  for (const member of Object.keys(metadata)) delete metadata[member]
  Object.assign(metadata, cleaned, { client_id: clientId }, keys === undefined ? {} : { jwks_uri: keys })
}
