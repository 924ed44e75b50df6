import type { ConfigInput } from '../../src/config/schema.ts'

/** A kind of store that an installation can have. What must hold on each is tested on each. */
export interface Engine {
  readonly name: string
  /** Makes a fresh store and says how an installation is configured to use it. */
  open(): Promise<{ readonly config: ConfigInput; readonly close: () => Promise<void> }>
}

/** The embedded store, in the data folder. */
const sqlite: Engine = {
  name: 'SQLite',
  open: async () => ({ config: {}, close: async () => {} }),
}

/** Every engine that can be tested on this machine. */
export const engines: readonly Engine[] = [sqlite]
