import type { Clock } from '../core/clock.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { AskedTogether } from './database/ask-together.ts'
import type { Database, StoreEngine } from './database/database.ts'

/** What the stores of one tenant are built over. */
export interface StorePorts {
  readonly db: Database
  readonly engine: StoreEngine
  /** Undefined for an embedded store, which is in this process and has one tenant. */
  readonly together: AskedTogether | undefined
  readonly tenant: string
  readonly secret: MasterSecret
  readonly clock: Clock
}
