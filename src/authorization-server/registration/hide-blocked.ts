import type { Provider as LibraryProvider } from 'oidc-provider'
import { Provider } from '../library/library.ts'
import type { BlockedClients } from './blocked-clients.ts'

/**
 * Prevents the library from finding a blocked client, wherever it comes from. A login looks up its client at
 * every step; only what turns a user's action into tokens looks it up afresh, since blocking has ended
 * everything granted before.
 */
export function hideBlocked(
  provider: LibraryProvider,
  blocked: Pick<BlockedClients, 'has' | 'hadLately'>,
): void {
  const { Client } = provider
  const find = Client.find.bind(Client)
  Client.find = async (id: unknown) => {
    // The library reads the subject of an assertion before it checks anything, and it may not be a string.
    if (typeof id !== 'string') return undefined
    const isBlocked = await (isRedeeming() ? blocked.has(id) : blocked.hadLately(id))
    return isBlocked ? undefined : find(id)
  }
}

/** The grants that redeem no new action of a user: one goes on with an existing grant, the other has no user. */
const withoutNewAction: ReadonlySet<unknown> = new Set(['refresh_token', 'client_credentials'])

function isRedeeming(): boolean {
  const { route, params } = Provider.ctx?.oidc ?? {}
  return route === 'token' && !withoutNewAction.has(params?.['grant_type'])
}
