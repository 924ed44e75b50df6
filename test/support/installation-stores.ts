import type { ConfigInput } from '../../src/config/schema.ts'

/** A kind of store that an installation can have. What must hold on each is tested on each. */
export interface InstallationStore {
  readonly name: string
  /** Makes a fresh store and says how an installation is configured to use it. */
  open(): Promise<{ readonly config: ConfigInput; readonly close: () => Promise<void> }>
}

/** Every kind of store: the embedded one is in the data folder. */
export const installationStores: readonly InstallationStore[] = [
  { name: 'SQLite', open: async () => ({ config: {}, close: async () => undefined }) },
]
