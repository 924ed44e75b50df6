import type { Clock } from '../core/clock.ts'
import type { IdentityFacts, IdentityStore, LinkedIdentity } from '../storage/identity-contract.ts'
import { admissionProblem } from './admission-rules.ts'
import type { Confirmation } from './contract.ts'
import type { FederatedProvider } from './federated-provider.ts'
import { ProviderAway, ProviderRefused } from './provider-contract.ts'
import { type ClaimNames, FactsUnusable, readFacts } from './provider-facts.ts'

/** A provider no longer vouches for a user. The reason is for the operator. */
interface Withdrawal {
  readonly provider: string
  readonly userId: string
  readonly reason: string
}

/** What asking a provider about a user needs, and whom it tells. */
export interface ConfirmationPorts {
  readonly identities: IdentityStore
  readonly clock: Clock
  /** Ends the sessions, grants and tokens of an account. */
  readonly endAccess: (accountId: string) => Promise<void>
  /** Called if a provider does not answer. */
  readonly onAway: (provider: string, reason: string) => void
  /** Called if a provider no longer vouches for a user. */
  readonly onWithdrawal: (withdrawal: Withdrawal) => void
}

/** A provider that did not answer is not asked again before this time. */
const retrySeconds = 10

/** By how much the clocks of replicas may differ. */
const clockToleranceSeconds = 10

/**
 * Asks a provider whether it still vouches for one of its users, at most once per interval for each user,
 * whatever the number of replicas. A no ends everything that the user has in progress, and applies until they
 * log in again. No answer counts as a yes for a while.
 */
export async function confirmAccount(
  ports: ConfirmationPorts,
  userId: string,
  federated: FederatedProvider,
): Promise<Confirmation> {
  const { identities, clock, endAccess, onWithdrawal } = ports
  const { times } = federated
  const linked = await identities.findByUser(userId)
  if (linked === undefined) return 'ended'
  const { credential, askedAt, confirmedAt, loggedInAt } = linked
  const since = (time: number): number => (clock.now() - time) / 1000
  if (credential === undefined) return since(loggedInAt) <= times.unconfirmedSeconds ? 'current' : 'ended'

  const wait = askedAt > confirmedAt ? retrySeconds : times.recheckSeconds
  // Times that were recorded before the clock was set back lie in the future; they count as past, so that the
  // provider's yes is not relied on for longer than intended.
  const isPast = (time: number, seconds: number): boolean =>
    since(time) >= seconds || since(time) < -clockToleranceSeconds
  const isDue = isPast(confirmedAt, times.recheckSeconds) && isPast(askedAt, wait)
  if (isDue && (await identities.claimQuestion(userId, askedAt, clock.now()))) {
    const answer = await ask(ports, { ...linked, credential }, federated)
    if (typeof answer === 'object') {
      onWithdrawal({ provider: federated.provider.name, userId, reason: answer.no })
      await identities.refuse(userId, { loggedInAt, now: clock.now() })
      await endAccess(userId)
      return 'ended'
    }
    if (answer === 'yes') return 'renewed'
  }
  return since(confirmedAt) <= times.recheckSeconds + times.outageSeconds ? 'current' : 'unknown'
}

async function ask(
  { identities, clock, onAway }: ConfirmationPorts,
  linked: LinkedIdentity & { readonly credential: string },
  { provider, claims, rules }: FederatedProvider,
): Promise<'yes' | 'silence' | { readonly no: string }> {
  try {
    const { credential, identity } = await provider.renew(linked.credential, linked)
    const isSame =
      identity === undefined || (identity.issuer === linked.issuer && identity.subject === linked.subject)
    if (!isSame) throw new ProviderRefused('the answer is about somebody else')
    const facts = identity === undefined ? linked.facts : refreshFacts(identity.claims, claims, linked)
    const problem = admissionProblem(facts, rules)
    if (problem !== undefined) return { no: problem }
    await identities.confirm(linked.userId, {
      loggedInAt: linked.loggedInAt,
      facts,
      credential,
      now: clock.now(),
    })
    return 'yes'
  } catch (error) {
    if (error instanceof ProviderRefused || error instanceof FactsUnusable) return { no: error.message }
    if (!(error instanceof ProviderAway)) throw error
    onAway(provider.name, error.message)
    const { userId, loggedInAt, facts, confirmedAt: now } = linked
    // Unchanged except for the credential: asking again with the old one may look like theft there.
    if (error.credential !== undefined)
      await identities.confirm(userId, { loggedInAt, facts, credential: error.credential, now })
    return 'silence'
  }
}

/**
 * What the provider now says. Leaving out groups may mean that the user is in none any more, so groups and
 * roles are replaced by what is said now; anything else that is left out stays.
 */
function refreshFacts(
  fresh: Readonly<Record<string, unknown>>,
  names: ClaimNames,
  { subject, facts }: LinkedIdentity,
): IdentityFacts {
  const { displayName, email, domain, tenant, groups, roles } = readFacts(fresh, names, subject)
  return {
    displayName: displayName === subject ? facts.displayName : displayName,
    email: email ?? facts.email,
    domain: email === undefined && domain === undefined ? facts.domain : domain,
    tenant: tenant ?? facts.tenant,
    groups,
    roles,
  }
}
