import { grants } from '../authorization-server/grants.ts'
import { blockedClients } from '../authorization-server/registration/blocked-clients.ts'
import type { Clock } from '../core/clock.ts'
import { longestTokenSeconds } from '../core/lifetimes.ts'
import type { Store } from '../storage/contract.ts'

/**
 * Removes a registered client and ends what it was granted, and the tokens that it has of its own. Resolves to how many
 * grants that were. The same program may come back under the same id, and is asked about again.
 */
export async function removeClient(store: Store, clock: Clock, id: string): Promise<number> {
  await store.clients.remove(id)
  return endAccessOf(store, clock, id)
}

/**
 * Blocks a client by its id, whatever it is, and ends what it was granted, and the tokens that it has of its own. Resolves
 * to how many grants that were; undefined where it was blocked before.
 */
export async function blockClient(
  store: Store,
  clock: Clock,
  { id, operator }: { readonly id: string; readonly operator: string },
): Promise<number | undefined> {
  const isNew = await blockedClients({ ...store, clock }).add(id, operator)
  // Also those that came in the moment in which it was blocked.
  const ended = await endAccessOf(store, clock, id)
  return isNew ? ended : undefined
}

/** Ends what people let a client do, and the tokens that it has of its own. */
async function endAccessOf(store: Store, clock: Clock, id: string): Promise<number> {
  const expiresAt = clock.now() + longestTokenSeconds * 1000
  await store.revocations.add({ kind: 'client', id, expiresAt })
  await store.consents.forgetClient(id)
  return grants({ ...store, clock }).revokeAllOf(id)
}
