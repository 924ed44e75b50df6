import type { Config } from '../config/schema.ts'
import { adaptBase, type Base } from './base.ts'
import { firstUserLink } from './people.ts'
import { endAccessOf } from './remove-client.ts'
import { startSweeping } from './sweep.ts'

/** What one process does on behalf of the whole installation. */
export interface House {
  /** Where the first user is created, as long as there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  /**
   * Records the configuration that the installation now uses, for commands that are given none, and ends the
   * access of clients that it had before and has no more.
   */
  readonly note: (config: Config) => Promise<void>
  readonly stop: () => void
}

/** The properties of the process that keeps house. */
export interface Housekeeper {
  /** Whether users log in at what it starts. */
  readonly hasLogin: boolean
  /** Where its admin port listens; undefined if it has none. */
  readonly adminUrl: string | undefined
}

/** Sweeps the store and, if users log in here, notes the configuration and creates the link for the first user. */
export async function keepHouse(
  config: Config,
  base: Base,
  { hasLogin, adminUrl }: Housekeeper,
): Promise<House> {
  const { store, clock, log, onFault } = base
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
    const clients = now.clients.map(({ id }) => id)
    const before = (await store.lastStart.read())?.clients ?? []
    for (const client of before.filter((id) => !clients.includes(id))) {
      await endAccessOf(store, clock, client)
      log.logger.info({ client }, `the client ${client} is not configured any more, so its access ends`)
    }
    await store.lastStart.write({ ...facts, clients, resources, names: all.map(({ name }) => name) })
  }
  await note(config)
  return { setUpLink, note, stop }
}
