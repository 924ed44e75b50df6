import type { Client, Provider } from 'oidc-provider'
import { errors } from '../library/library.ts'
import { libraryReason } from '../library/library-reason.ts'
import { documentAddress, isDocumentId } from './document-url.ts'

type LibraryError = InstanceType<typeof errors.OIDCProviderError>

/** The metadata document of a client cannot be fetched, or is invalid; not an error of this server. */
export class DocumentOutOfReach extends Error {
  readonly document: string | undefined

  constructor(id: string, error: LibraryError) {
    super(libraryReason(error))
    this.document = documentAddress(id)
  }
}

/**
 * Finds a client, which may require fetching its metadata document. Throws DocumentOutOfReach if that fails,
 * and InvalidClientMetadata if a client was registered with what is no longer allowed. The id is untrusted.
 */
export async function findClient(provider: Provider, id: string): Promise<Client | undefined> {
  try {
    return await provider.Client.find(id)
  } catch (error) {
    if (isDocumentId(id) && error instanceof errors.OIDCProviderError) throw new DocumentOutOfReach(id, error)
    throw error
  }
}
