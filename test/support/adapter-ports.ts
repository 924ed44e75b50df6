import { stepUps } from '../../src/authorization-server/consent/step-up.ts'
import type { storageAdapter } from '../../src/authorization-server/library/adapter.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import type { Store } from '../../src/storage/contract.ts'
import { testSecret } from './engines.ts'

/** What the library's storage needs, over a store. */
export function adapterPorts(store: Store, clock: Clock = systemClock): Parameters<typeof storageAdapter>[0] {
  return {
    ...store,
    registered: store.clients,
    registration: {
      dynamic: 'open',
      unusedSeconds: 60,
      idleSeconds: 60,
      maxClients: 10,
      newPerMinute: 10,
      privateUseRedirects: [],
      documents: { enabled: false },
    },
    tokens: {
      codeSeconds: 60,
      accessTokenSeconds: 60,
      refreshIdleSeconds: 60,
      refreshAbsoluteSeconds: 60,
      refreshWindowSeconds: 20,
      profiles: [],
    },
    stepUps: stepUps(store.artifacts, clock),
    rateLimit: countWith(inMemory),
    secret: testSecret,
    clock,
  }
}
