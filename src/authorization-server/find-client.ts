import type { Client, Provider } from 'oidc-provider'
import { errors } from './library.ts'
import { isDocumentId } from './registration/document-url.ts'

type LibraryError = InstanceType<typeof errors.OIDCProviderError>

/** The metadata document of a client cannot be had, or is not as it should be: nobody's fault here. */
export class DocumentOutOfReach extends Error {
  constructor({ error_description: description, error_detail: detail, message }: LibraryError) {
    super([description, detail].filter(Boolean).join(': ') || message)
  }
}

/**
 * Finds a client, which may mean to fetch its metadata document. Throws DocumentOutOfReach where that fails. The id is
 * untrusted.
 */
export async function findClient(provider: Provider, id: string): Promise<Client | undefined> {
  try {
    return await provider.Client.find(id)
  } catch (error) {
    if (isDocumentId(id) && error instanceof errors.OIDCProviderError) throw new DocumentOutOfReach(error)
    throw error
  }
}
