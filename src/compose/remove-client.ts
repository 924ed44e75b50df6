import { blockedClients } from '../authorization-server/registration/blocked-clients.ts'
import { grants } from '../authorization-server/tokens/grants.ts'
import type { Clock } from '../core/clock.ts'
import { longestTokenSeconds } from '../core/lifetimes.ts'
import type { Store } from '../storage/contract.ts'

/**
 * Removes a registered client, and ends its grants and its own tokens. Resolves to the number of grants. If
 * the same program comes back under the same id, users are asked about it again.
 */
export async function removeClient(store: Store, clock: Clock, id: string): Promise<number> {
  await store.clients.remove(id)
  return endAccessOf(store, clock, id)
}

/**
 * Blocks a client by its id, whatever kind it is, and ends its grants and its own tokens. Resolves to the
 * number of grants; undefined if it was already blocked.
 */
export async function blockClient(
  store: Store,
  clock: Clock,
  { id, operator }: { readonly id: string; readonly operator: string },
): Promise<number | undefined> {
  const isNew = await blockedClients({ ...store, clock }).add(id, operator)
  // Also those that were given while it was being blocked.
  const ended = await endAccessOf(store, clock, id)
  return isNew ? ended : undefined
}

/** Ends what users let a client do, and the client's own tokens. Resolves to the number of grants. */
export async function endAccessOf(store: Store, clock: Clock, id: string): Promise<number> {
  const expiresAt = clock.now() + longestTokenSeconds * 1000
  await store.revocations.add({ kind: 'client', id, expiresAt })
  await store.consents.forgetClient(id)
  return grants({ ...store, clock }).revokeAllOf(id)
}
