import type { Clock } from '../core/clock.ts'
import { type Store, seenOnceModel } from '../storage/contract.ts'

const sweepMilliseconds = 10 * 60 * 1000
/** What has expired is kept for a while: presenting it again is how theft is noticed. */
const keepMilliseconds = 24 * 3600 * 1000
/**
 * What anybody can have written with each request goes sooner: it is accepted until a little after its end. Sessions may
 * be of nobody, and one that is over tells nothing.
 */
const briefModels = [
  seenOnceModel,
  'PushedAuthorizationRequest',
  'Interaction',
  'DeviceCode',
  'ProviderVisit',
  'Session',
]
const keepBriefMilliseconds = 10 * 60 * 1000

/** Removes from a store what is over. */
export async function sweepStore(store: Store, clock: Clock): Promise<void> {
  await store.artifacts.sweep(clock.now() - keepMilliseconds)
  for (const model of briefModels) await store.artifacts.sweep(clock.now() - keepBriefMilliseconds, model)
  await store.clients.sweep(clock.now())
  await store.revocations.sweep(clock.now() - keepMilliseconds)
  await store.consents.sweep(clock.now())
  await store.keys.sweep(clock.now() - keepMilliseconds)
}

/** Sweeps now and then. Returns how to stop it. */
export function startSweeping(store: Store, clock: Clock, onFault: (error: unknown) => void): () => void {
  const sweeper = setInterval(() => void sweepStore(store, clock).catch(onFault), sweepMilliseconds).unref()
  return () => clearInterval(sweeper)
}
