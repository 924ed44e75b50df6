import type { Provider as LibraryProvider } from 'oidc-provider'
import { Provider } from '../library.ts'
import type { Notes } from '../notes.ts'
import { documentAddress } from './document-url.ts'

/**
 * Makes a client that cannot be had fail in the same way for the rest of the request, and notes whose document
 * it is. The library looks it up again to write the refusal: a document that is wrong would be fetched twice,
 * and one whose host is silent would be waited for twice. The id is untrusted.
 */
export function refuseOnce({ Client }: LibraryProvider, notes: Notes): void {
  const failures = new WeakMap<object, Map<unknown, unknown>>()
  const find = Client.find.bind(Client)
  Client.find = async (id: string) => {
    const { ctx } = Provider
    const ofRequest = ctx && failures.get(ctx)
    if (ofRequest?.has(id)) throw ofRequest.get(id)
    try {
      return await find(id)
    } catch (error) {
      if (ctx === undefined) throw error
      failures.set(ctx, new Map(ofRequest).set(id, error))
      notes.of(ctx.req).failure = { error, document: documentAddress(id) }
      throw error
    }
  }
}
