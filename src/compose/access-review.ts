import { collectDecisions, type Decisions } from '../audit/report/collect.ts'
import type { AccessReview, ReviewedParty, StandingGrant } from '../audit/report/page.ts'
import type { SelectedEvent } from '../audit/select-events.ts'
import { grants } from '../authorization-server/grants.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { displayText } from '../http/page.ts'
import { signsInAt, userState } from '../identity/user-state.ts'
import type { Store } from '../storage/contract.ts'

interface ReviewPorts {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly events: AsyncIterable<readonly SelectedEvent[]>
}

/** Puts together who may do what, from the store, and who did, from the audit. */
export async function reviewAccess({
  config,
  store,
  clock,
  events,
}: ReviewPorts): Promise<Omit<AccessReview, 'verification' | 'publicUrl'>> {
  const collected = collectDecisions()
  for await (const selected of events) for (const { event } of selected) collected.add(event)
  const decisions = collected.result()
  return {
    madeAt: clock.now(),
    users: (await store.users.list()).map((user) => ({
      id: user.id,
      name: `${displayText(user.name)} (${displayText(user.displayName)})`,
      state: `${userState(user)}, signs in ${user.provider === undefined ? 'here' : `at ${signsInAt(user)}`}`,
    })),
    clients: await clientsOf(config, store),
    grants: await standingGrants(store, clock, decisions),
    decisions,
  }
}

async function clientsOf({ clients }: Config, store: Store): Promise<ReviewedParty[]> {
  const kept = await store.clients.list()
  return [
    ...clients.map(({ id, name = id }) => ({ id, name, state: 'of the configuration' })),
    ...kept.map(({ id, metadata, source }) => ({
      id,
      name: displayText(typeof metadata['client_name'] === 'string' ? metadata['client_name'] : id),
      state: source === 'operator' ? 'registered by an operator' : 'registered itself',
    })),
  ]
}

/** The store lists grants by person: those that are kept here, and those that the audit has seen. */
async function standingGrants(store: Store, clock: Clock, { subjects }: Decisions): Promise<StandingGrant[]> {
  const all = grants({ ...store, clock })
  const people = new Set([...(await store.users.list()).map(({ id }) => id), ...subjects])
  const standing: StandingGrant[] = []
  for (const subject of people) {
    for (const { clientId, grantedAt, resources } of await all.list(subject)) {
      for (const [resource, scopes] of Object.entries(resources))
        standing.push({ subject, clientId, resource, scopes, grantedAt })
    }
  }
  return standing
}
