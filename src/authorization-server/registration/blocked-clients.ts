import type { Provider } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import type { ArtifactStore } from '../../storage/contract.ts'

const model = 'BlockedClient'
const most = 1000

/** A client that an operator has blocked. */
interface BlockedClient {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly operator: string
}

/** Clients that are as good as unknown, by their ids: whether they registered, are configured, or have a document. */
export interface BlockedClients {
  /** The id is untrusted. */
  has(id: string): Promise<boolean>
  /** Blocks an id for good. Returns false where it was blocked before. */
  add(id: string, operator: string): Promise<boolean>
  /** Returns false where it was not blocked. */
  remove(id: string): Promise<boolean>
  list(): Promise<readonly BlockedClient[]>
}

/** The blocked clients of a store. */
export function blockedClients({
  artifacts,
  clock,
}: {
  readonly artifacts: ArtifactStore
  readonly clock: Clock
}): BlockedClients {
  return {
    has: async (id) => (await artifacts.find(model, id)) !== undefined,
    add(id, operator) {
      const payload: BlockedClient = { id, since: clock.now(), operator }
      // The account to which a block belongs is the operator's: by accounts all of them can be listed.
      return artifacts.insertOnce({ model, id, payload: { ...payload }, clientId: id, accountId: operator })
    },
    remove: async (id) => (await artifacts.take(model, id)) !== undefined,
    async list() {
      const found = await artifacts.list(model, { text: '', skip: 0, most })
      return found.map(({ payload }) => payload as unknown as BlockedClient)
    },
  }
}

/** Lets the library find no client that is blocked, wherever it comes from. */
export function hideBlocked(provider: Provider, blocked: Pick<BlockedClients, 'has'>): void {
  const { Client } = provider
  const find = Client.find.bind(Client)
  Client.find = async (id) => ((await blocked.has(id)) ? undefined : find(id))
}
