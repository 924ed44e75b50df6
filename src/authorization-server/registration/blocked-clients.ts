import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { digest } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/contract.ts'

const model = 'BlockedClient'
const most = 1000
const keptMilliseconds = 1000
const keptAnswers = 10_000
/**
 * By store: what this process has read or written of ids in the last second. They are kept by their hashes: an id is as long
 * as a stranger wants, and a piece of a request's text keeps the whole of it.
 */
const read = new WeakMap<ArtifactStore, LRUCache<string, boolean>>()

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
  /** The same as of a second ago at most, where another process has changed it. */
  hadLately(id: string): Promise<boolean>
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
  const answers = read.get(artifacts) ?? new LRUCache({ max: keptAnswers, ttl: keptMilliseconds })
  read.set(artifacts, answers)
  const has = async (id: string): Promise<boolean> => (await artifacts.find(model, id)) !== undefined
  return {
    has,
    async hadLately(id) {
      const key = digest(id)
      const known = answers.get(key)
      if (known !== undefined) return known
      const isBlocked = await has(id)
      // What was written meanwhile is newer.
      if (!answers.has(key)) answers.set(key, isBlocked)
      return isBlocked
    },
    async add(id, operator) {
      const payload: BlockedClient = { id, since: clock.now(), operator }
      // The account to which a block belongs is the operator's: by accounts all of them can be listed.
      const isNew = await artifacts.insertOnce({
        model,
        id,
        payload: { ...payload },
        clientId: id,
        accountId: operator,
      })
      answers.set(digest(id), true)
      return isNew
    },
    async remove(id) {
      const wasBlocked = (await artifacts.take(model, id)) !== undefined
      answers.set(digest(id), false)
      return wasBlocked
    },
    async list() {
      const found = await artifacts.list(model, { text: '', skip: 0, most })
      return found.map(({ payload }) => payload as unknown as BlockedClient)
    },
  }
}
