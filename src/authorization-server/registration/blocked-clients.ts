import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import type { Clock } from '../../core/clock.ts'
import { digest } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/artifact-contract.ts'

const model = 'BlockedClient'
const pageLength = 1000
const keptMilliseconds = 1000
const keptAnswers = 10_000
/**
 * What this process has read or written in the last second, by the hash of the id: an id is as long as a
 * stranger wants, and as a slice of a request's text it would keep the whole text in memory.
 */
const answersByStore = new WeakMap<ArtifactStore, LRUCache<string, boolean>>()

/** A client that an operator has blocked. The id is untrusted. */
export interface BlockedClient {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly operator: string
}

/**
 * Clients that are treated as unknown, by their ids, whether they are registered, configured, or have a
 * document.
 */
export interface BlockedClients {
  /** The id is untrusted. */
  has(id: string): Promise<boolean>
  /** The same, but possibly up to a second old if another process has changed it. */
  hadLately(id: string): Promise<boolean>
  /** Blocks an id permanently. Returns false if it was already blocked. */
  add(id: string, operator: string): Promise<boolean>
  /** Returns false if it was not blocked. */
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
  const answers =
    answersByStore.get(artifacts) ?? new LRUCache({ ...atMost(keptAnswers), ttl: keptMilliseconds })
  answersByStore.set(artifacts, answers)
  const has = async (id: string): Promise<boolean> => (await artifacts.find(model, id)) !== undefined
  return {
    has,
    async hadLately(id) {
      const key = digest(id)
      const known = answers.get(key)
      if (known !== undefined) return known
      const isBlocked = await has(id)
      // Anything written in the meantime is newer.
      if (!answers.has(key)) answers.set(key, isBlocked)
      return isBlocked
    },
    async add(id, operator) {
      const payload: BlockedClient = { id, since: clock.now(), operator }
      // Stored with the operator as its account, since all artifacts with accounts can be listed.
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
      const all: BlockedClient[] = []
      for (;;) {
        const found = await artifacts.list(model, { text: '', skip: all.length, most: pageLength })
        all.push(...found.map(({ payload }) => payload as unknown as BlockedClient))
        if (found.length < pageLength) return all
      }
    },
  }
}
