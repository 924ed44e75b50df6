import type { ConfigInput } from '../../src/config/schema.ts'
import { sharedSecret } from './installation.ts'
import { startPostgres } from './postgres.ts'

/** A kind of store that an installation can have. What must hold on each is tested on each. */
export interface InstallationStore {
  readonly name: string
  /** Creates a fresh store and returns the configuration that uses it. */
  open(): Promise<{ readonly config: ConfigInput; readonly close: () => Promise<void> }>
}

/** Both kinds. */
export const installationStores: readonly InstallationStore[] = [
  { name: 'SQLite', open: async () => ({ config: {}, close: async () => {} }) },
  {
    name: 'PostgreSQL',
    async open() {
      const server = await startPostgres()
      const { url } = await server.createDatabase()
      return { config: { store: { url }, secret: sharedSecret }, close: () => server.stop() }
    },
  },
]
