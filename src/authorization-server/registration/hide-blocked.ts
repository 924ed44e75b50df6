import type { Provider as LibraryProvider } from 'oidc-provider'
import { Provider } from '../library.ts'
import type { BlockedClients } from './blocked-clients.ts'

/**
 * Lets the library find no client that is blocked, wherever it comes from. A login looks for its client at every step; only
 * what makes tokens of something that a person did looks afresh, since blocking has ended all that was granted before.
 */
export function hideBlocked(
  provider: LibraryProvider,
  blocked: Pick<BlockedClients, 'has' | 'hadLately'>,
): void {
  const { Client } = provider
  const find = Client.find.bind(Client)
  Client.find = async (id: unknown) => {
    // Of an assertion the library reads the subject before it checks anything, and that may be no text.
    if (typeof id !== 'string') return undefined
    const isBlocked = await (isRedeeming() ? blocked.has(id) : blocked.hadLately(id))
    return isBlocked ? undefined : find(id)
  }
}

/** A refreshed token needs a grant that stands, and a client's own token needs nobody. */
const goesOn: ReadonlySet<unknown> = new Set(['refresh_token', 'client_credentials'])

function isRedeeming(): boolean {
  const { route, params } = Provider.ctx?.oidc ?? {}
  return route === 'token' && !goesOn.has(params?.['grant_type'])
}
