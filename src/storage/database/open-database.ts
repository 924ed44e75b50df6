import { openPulse, type Pulse } from '../../core/pulse.ts'
import { migrate, type OnUpgrade } from '../migrate.ts'
import type { AskedTogether } from './ask-together.ts'
import type { Database } from './database.ts'
import type { Notices } from './notices.ts'

/** A PostgreSQL database, with connections that all stores in it share. */
export interface SharedDatabase {
  readonly db: Database
  readonly notices: Notices
  readonly together: AskedTogether
  /** When those look that look every second. */
  readonly pulse: Pulse
  close(): Promise<void>
}

/**
 * Opens a database and brings it to this version's schema. The driver is loaded here, only if there is a
 * database. Throws StoreUnusable.
 */
export async function openDatabase(
  url: string,
  onFault: (error: unknown) => void,
  onUpgrade?: OnUpgrade,
): Promise<SharedDatabase> {
  const { openPostgres, statementMilliseconds } = await import('./postgres.ts')
  const migrating = await openPostgres({ url, onFault, patience: undefined })
  try {
    await migrate(migrating, undefined, onUpgrade)
  } finally {
    await migrating.destroy()
  }
  const db = await openPostgres({ url, onFault, patience: statementMilliseconds })
  const notices = (await import('./notices.ts')).openNotices({ db, url, onFault })
  const { askTogether } = await import('./ask-together.ts')
  return {
    db,
    notices,
    together: askTogether(db),
    pulse: openPulse(),
    async close() {
      await notices.close()
      await db.destroy()
    },
  }
}
