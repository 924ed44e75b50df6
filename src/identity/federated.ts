import type { Clock } from '../core/clock.ts'
import { digest, randomToken } from '../core/secret.ts'
import { isUsableSubject } from '../core/subject.ts'
import { isUserId, userIdPrefix } from '../core/user-id.ts'
import type { IdentityFacts, IdentityStore } from '../storage/identity-contract.ts'
import type { User, UserStore } from '../storage/user-contract.ts'
import { toAccount } from './account.ts'
import { type ConfirmationTimes, confirmAccount, type Withdrawal } from './confirm-account.ts'
import type { Account, Identity, LoginRefused } from './contract.ts'
import {
  type Federation,
  type LoginProvider,
  type ProvenIdentity,
  ProviderRefused,
} from './provider-contract.ts'
import { type ClaimNames, FactsUnusable, provenEmail, readFacts } from './provider-facts.ts'
import { type AdmissionRules, admissionProblem } from './provider-rules.ts'

/** A provider with the operator's rules for its users. */
export interface FederatedProvider {
  readonly provider: LoginProvider
  readonly claims: ClaimNames
  readonly rules: AdmissionRules
  readonly times: ConfirmationTimes
}

interface FederationPorts {
  readonly providers: readonly FederatedProvider[]
  /** Users who log in here without a provider. */
  readonly others: Identity
  readonly users: UserStore
  readonly identities: IdentityStore
  readonly clock: Clock
  /** Ends the sessions, grants and tokens of an account. */
  readonly endAccess: (accountId: string) => Promise<void>
  /** Called if a provider does not answer. */
  readonly onAway: (provider: string, reason: string) => void
  /** Called if a provider no longer vouches for a user. */
  readonly onWithdrawal: (withdrawal: Withdrawal) => void
}

/** Users for whom identity providers vouch, in addition to local ones. */
export function federatedIdentity(ports: FederationPorts): { identity: Identity; federation: Federation } {
  const { providers, others, users, identities, clock } = ports
  const byName = new Map(providers.map((one) => [one.provider.name, one]))

  /** The user, if their provider is one of ours and they may be used. */
  const findVouched = async (
    id: string,
  ): Promise<{ user: User; vouching: FederatedProvider } | undefined> => {
    const user = isUserId(id) ? await users.find(id) : undefined
    if (user?.provider === undefined || user.disabledAt !== undefined) return undefined
    const vouching = byName.get(user.provider)
    return vouching && { user, vouching }
  }

  const identity: Identity = {
    login: (form) => others.login(form),
    async find(id) {
      const found = await findVouched(id)
      if (found === undefined) return others.find(id)
      const linked = await identities.findByUser(id)
      if (linked === undefined || admissionProblem(linked.facts, found.vouching.rules) !== undefined)
        return undefined
      return vouchedAccount(found.user, linked.facts)
    },
    async confirm(id) {
      const found = await findVouched(id)
      return found === undefined ? others.confirm(id) : confirmAccount(ports, id, found.vouching)
    },
  }

  const federation: Federation = {
    providers: providers.map(({ provider }) => provider),
    async finish(provider, query, attempt) {
      const vouching = byName.get(provider.name)
      if (vouching === undefined) throw new Error(`there is no provider ${provider.name}`)
      try {
        return await enter(await provider.redeem(query, attempt), vouching)
      } catch (error) {
        if (!(error instanceof ProviderRefused || error instanceof FactsUnusable)) throw error
        const code = error instanceof ProviderRefused ? error.code : undefined
        const refused = code === 'access_denied' ? cancelled(provider.label) : unproven(provider.label)
        return { refused, reason: `${provider.name}: ${error.message}` }
      }
    },
  }

  /**
   * Keyed on issuer and subject: an email address can pass to somebody else, and two providers may each have
   * it.
   */
  const enter = async (
    { issuer, subject, claims, credential }: ProvenIdentity,
    { provider, claims: names, rules }: FederatedProvider,
  ): Promise<Account | LoginRefused> => {
    if (!isUsableSubject(subject)) throw new ProviderRefused('the subject cannot be used')
    const facts = readFacts(claims, names, subject)
    const problem = admissionProblem(facts, rules)
    if (problem !== undefined) {
      const reason = `${provider.name}: ${subject} may not come in: ${problem}`
      return { refused: `Your account at ${provider.label} may not be used here.`, reason }
    }
    const user = await identities.enter({
      user: newUser(provider.name, provenEmail(claims, names) ?? subject, facts.displayName),
      nameKey: `identity ${digest(JSON.stringify([issuer, subject]))}`,
      issuer,
      subject,
      facts,
      credential,
      now: clock.now(),
    })
    if (user.disabledAt !== undefined) {
      const refused = 'Your account has been disabled here.'
      return { refused, reason: `${provider.name}: ${user.id} is disabled` }
    }
    return vouchedAccount(user, facts)
  }

  /** Operators know users by `known`, which users cannot choose themselves. */
  const newUser = (provider: string, known: string, displayName: string): User => ({
    id: userIdPrefix + randomToken(16),
    name: `${provider}:${known}`.slice(0, 200),
    displayName,
    passwordHash: undefined,
    createdAt: clock.now(),
    disabledAt: undefined,
    loginsSince: 0,
    provider,
  })

  return { identity, federation }
}

function vouchedAccount(user: User, { groups, roles }: IdentityFacts): Account {
  return {
    ...toAccount(user),
    groups,
    roles,
    ...(user.provider === undefined ? {} : { provider: user.provider }),
  }
}

function cancelled(label: string): string {
  return `${label} says that you cancelled the sign-in, or are not allowed to sign in.`
}

function unproven(label: string): string {
  return `${label} did not prove who you are.`
}
