import { collectDecisions } from '../../audit/report/collect.ts'
import type { AccessReview, ReviewedServer } from '../../audit/report/review.ts'
import type { SelectedEvent } from '../../audit/select-events.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Store } from '../../storage/contract.ts'
import { reviewIssuers } from './issuers.ts'
import { reviewClients, reviewUsers } from './parties.ts'
import { reviewPolicies, reviewPolicyMode, reviewRoles } from './policies.ts'
import { standingAccess } from './standing-access.ts'

interface ReviewPorts {
  readonly config: Config
  readonly publicUrl: string
  /** Who may log in here: `login.users`, or its value at the last start if the configuration does not say. */
  readonly users: string | undefined
  /** The MCP servers; without rules if no configuration is known. */
  readonly servers: readonly Pick<ReviewedServer, 'name' | 'resource'>[]
  readonly store: Store
  readonly clock: Clock
  readonly events: AsyncIterable<readonly SelectedEvent[]>
}

/** Combines who may do what, from store and configuration, with who did what, from the audit. */
export async function reviewAccess(ports: ReviewPorts): Promise<Omit<AccessReview, 'record'>> {
  const { config, publicUrl, store, clock, events, servers } = ports
  const collected = collectDecisions(publicUrl)
  for await (const selected of events) for (const { event } of selected) collected.add(event)
  const decisions = collected.result()
  const { access, clientIds, hasMore } = await standingAccess({ config, store, clock, servers, decisions })
  return {
    publicUrl,
    madeAt: clock.now(),
    logins: loginsOf(config, ports.users),
    servers: servers.map((server) => ({ ...server, rules: rulesOf(config, server.name) })),
    users: await reviewUsers(store),
    clients: await reviewClients({ config, store, clock }, clientIds),
    issuers: reviewIssuers(config),
    policies: reviewPolicies(config),
    policyMode: reviewPolicyMode(config),
    roles: reviewRoles(config),
    access,
    hasMore,
    decisions,
  }
}

function loginsOf({ login, authorizationServer }: Config, users: string = login.users): string {
  if (authorizationServer === 'external') return 'Nobody logs in here: tokens come from the trusted issuers.'
  const here: Readonly<Record<string, string>> = {
    local: 'Those who are kept here log in with password or passkey.',
    development: 'Anybody logs in who types a name: this is development mode.',
    none: 'Nobody logs in with a password of this installation.',
  }
  const elsewhere = login.providers.length > 0 ? ' Others log in at the identity providers below.' : ''
  return `${here[users] ?? ''}${elsewhere}`
}

/** What a server's rules leave of what the scopes would allow. */
function rulesOf({ upstreams }: Config, name: string): string[] {
  const objects = upstreams.find((upstream) => upstream.name === name)?.objects
  return Object.entries(objects ?? {}).flatMap(([kind, { allow, deny }]) => [
    ...(allow.length === 1 && allow[0] === '*' ? [] : [`${kind}: ${allow.join(', ') || 'none'} alone`]),
    ...(deny.length === 0 ? [] : [`${kind}: not ${deny.join(', ')}`]),
  ])
}
