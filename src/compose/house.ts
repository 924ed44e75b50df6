import type { Config } from '../config/schema.ts'
import { adaptBase, type Base } from './base.ts'
import { firstUserLink } from './people.ts'
import { startSweeping } from './sweep.ts'

/** What one process of an installation does for all of them. */
export interface House {
  /** Where the first user is made, while there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  /** Notes with what configuration the installation goes on, for commands that are told nothing else. */
  readonly note: (config: Config) => Promise<void>
  readonly stop: () => void
}

/** What the process is that keeps house. */
export interface Housekeeper {
  /** Whether people log in at what it starts. */
  readonly hasLogin: boolean
  /** Where its admin port listens; undefined where it has none. */
  readonly adminUrl: string | undefined
}

/** Sweeps the store, and where people log in here, notes the start and makes the link for the first one. */
export async function keepHouse(
  config: Config,
  base: Base,
  { hasLogin, adminUrl }: Housekeeper,
): Promise<House> {
  const { store, clock, onFault } = base
  const stop = startSweeping(store, clock, onFault)
  if (!hasLogin) return { setUpLink: undefined, note: async () => undefined, stop }
  const setUpLink = await firstUserLink(config, base)
  const note = async (now: Config): Promise<void> => {
    const facts = {
      publicUrl: now.publicUrl,
      users: now.login.users,
      adminUrl,
      signingAlgorithm: now.tokens.signingAlgorithm,
    }
    const { all } = adaptBase(base, now).resources
    const resources = all.map(({ resource }) => resource)
    await store.lastStart.write({ ...facts, resources, names: all.map(({ name }) => name) })
  }
  await note(config)
  return { setUpLink, note, stop }
}
