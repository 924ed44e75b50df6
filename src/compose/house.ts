import type { Config } from '../config/schema.ts'
import type { Base } from './base.ts'
import { firstUserLink } from './people.ts'
import { startSweeping } from './sweep.ts'

/** What one process of an installation does for all of them. */
export interface House {
  /** Where the first user is made, while there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  readonly stop: () => void
}

/** Sweeps the store, and where people log in here, notes the start and makes the link for the first one. */
export async function keepHouse(config: Config, base: Base, hasLogin: boolean): Promise<House> {
  const { store, clock, onFault, resources } = base
  const stop = startSweeping(store, clock, onFault)
  if (!hasLogin) return { setUpLink: undefined, stop }
  const setUpLink = await firstUserLink(config, base)
  const facts = { publicUrl: config.publicUrl, users: config.login.users }
  await store.lastStart.write({ ...facts, resources: resources.all.map(({ resource }) => resource) })
  return { setUpLink, stop }
}
