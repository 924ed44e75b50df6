import type { Clock } from '../core/clock.ts'
import { seenOnceModel } from '../storage/artifact-contract.ts'
import type { Store } from '../storage/contract.ts'

const sweepMilliseconds = 10 * 60 * 1000
/** Expired artifacts are kept for a while, since presenting one again is how theft is noticed. */
const keepMilliseconds = 24 * 3600 * 1000
/**
 * Artifacts that anyone can create with each request are deleted sooner: they are accepted only until
 * slightly after their expiry. Sessions may belong to nobody, and an expired one reveals nothing.
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

/** Removes expired entries from a store. */
export async function sweepStore(store: Store, clock: Clock): Promise<void> {
  await store.artifacts.sweep(clock.now() - keepMilliseconds)
  await store.artifacts.sweep(clock.now() - keepBriefMilliseconds, briefModels)
  await store.clients.sweep(clock.now())
  await store.revocations.sweep(clock.now() - keepMilliseconds)
  await store.consents.sweep(clock.now())
  await store.keys.sweep(clock.now() - keepMilliseconds)
}

/** Sweeps from time to time. Returns a function that stops it. */
export function startSweeping(store: Store, clock: Clock, onFault: (error: unknown) => void): () => void {
  let stopped = false
  const sweep = (): void =>
    void sweepStore(store, clock).catch((error: unknown) => {
      // The store is closed after this has stopped.
      if (!stopped) onFault(error)
    })
  const sweeper = setInterval(sweep, sweepMilliseconds).unref()
  return () => {
    stopped = true
    clearInterval(sweeper)
  }
}
