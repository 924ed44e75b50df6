import type { Provider as LibraryProvider } from 'oidc-provider'
import { Provider } from '../library.ts'

/**
 * Makes a client that cannot be had fail in the same way for the rest of the request.
 * The library looks it up again to write the refusal: a document that is wrong would be fetched twice,
 * and one whose host is silent would be waited for twice. The id is untrusted.
 */
export function refuseOnce({ Client }: LibraryProvider): void {
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
      throw error
    }
  }
}
