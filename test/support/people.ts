import { buildPeople } from '../../src/compose/people.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { People } from '../../src/identity/people.ts'
import type { Installation } from './installation.ts'

/** A password that the rules allow. */
export const goodPassword = 'four words of no meaning'

/**
 * The users of a running installation, through a separate connection: as another process would manage them.
 */
export async function openPeople(
  { data }: Installation,
  clock: Clock = systemClock,
): Promise<People & { close: () => Promise<void> }> {
  const { store, secret } = await openConfiguredStore(loadConfig({ base: { data } }), clock)
  return { ...buildPeople({ store, secret, clock }), close: () => store.close() }
}

/** Adds a user who has signed in at a provider named `company`. Resolves to their id. */
export async function addVouchedUser(data: string, issuer: string, subject: string): Promise<string> {
  const { store } = await openConfiguredStore(loadConfig({ base: { data } }), systemClock)
  const facts = { displayName: subject, email: undefined, domain: undefined, tenant: undefined }
  const { id } = await store.identities.enter({
    user: {
      id: `usr_${subject}`,
      name: `company:${subject}`,
      displayName: subject,
      passwordHash: undefined,
      createdAt: 1,
      disabledAt: undefined,
      loginsSince: 0,
      provider: 'company',
    },
    nameKey: `identity ${subject}`,
    issuer,
    subject,
    facts: { ...facts, groups: [], roles: [] },
    credential: undefined,
    now: 1,
  })
  await store.close()
  return id
}
