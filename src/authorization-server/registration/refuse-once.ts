import type { Provider as LibraryProvider } from 'oidc-provider'
import { Provider } from '../library/library.ts'
import type { Notes } from '../notes.ts'

/**
 * Makes a client that cannot be had fail in the same way for the rest of the request, and takes note of it. The
 * library looks it up again to write the refusal: a document that is wrong would be fetched twice, and one
 * whose host is silent would be waited for twice. The id is untrusted.
 */
export function refuseOnce({ Client }: LibraryProvider, notes: Notes): void {
  const find = Client.find.bind(Client)
  Client.find = async (id: string) => {
    const note = Provider.ctx && notes.of(Provider.ctx.req)
    if (note?.failure !== undefined && note.failure.clientId === id) throw note.failure.error
    try {
      return await find(id)
    } catch (error) {
      if (note !== undefined) note.failure = { clientId: id, error }
      throw error
    }
  }
}
