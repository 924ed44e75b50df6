import { grants } from '../authorization-server/grants.ts'
import type { Clock } from '../core/clock.ts'
import type { Store } from '../storage/contract.ts'

/**
 * Removes a registered client and ends what it was granted. Resolves to how many grants that were. The same program may
 * come back under the same id, and is asked about again.
 */
export async function removeClient(store: Store, clock: Clock, id: string): Promise<number> {
  await store.clients.remove(id)
  await store.consents.forgetClient(id)
  const granted = await store.artifacts.listByClient('Grant', id)
  const ending = grants({ ...store, clock })
  for (const { payload } of granted) await ending.revoke(String(payload['jti']))
  return granted.length
}
