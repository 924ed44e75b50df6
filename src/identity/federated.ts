import { digest, randomToken } from '../core/secret.ts'
import { isUsableSubject } from '../core/subject.ts'
import { isUserId, userIdPrefix } from '../core/user-id.ts'
import type { IdentityFacts } from '../storage/identity-contract.ts'
import type { User, UserStore } from '../storage/user-contract.ts'
import { toAccount } from './account.ts'
import { admissionProblem } from './admission-rules.ts'
import { type ConfirmationPorts, confirmAccount } from './confirm-account.ts'
import type { Account, Identity, LoginRefused } from './contract.ts'
import type { FederatedProvider } from './federated-provider.ts'
import { type Federation, type ProvenIdentity, ProviderRefused } from './provider-contract.ts'
import { FactsUnusable, provenEmail, readFacts } from './provider-facts.ts'

interface FederationPorts extends ConfirmationPorts {
  readonly providers: readonly FederatedProvider[]
  /** Users who log in here without a provider. */
  readonly others: Identity
  readonly users: UserStore
}

/** Users for whom identity providers vouch, in addition to local ones. */
export function federatedIdentity(ports: FederationPorts): { identity: Identity; federation: Federation } {
  const { providers, others, users, identities, clock } = ports
  const byName = new Map(providers.map((one) => [one.provider.name, one]))

  /** The user, if their provider is one of ours and they may be used. */
  const findVouched = async (
    id: string,
  ): Promise<{ user: User; federated: FederatedProvider } | undefined> => {
    const user = isUserId(id) ? await users.find(id) : undefined
    if (user?.provider === undefined || user.disabledAt !== undefined) return undefined
    const federated = byName.get(user.provider)
    return federated && { user, federated }
  }

  const identity: Identity = {
    login: (form) => others.login(form),
    async find(id) {
      const found = await findVouched(id)
      if (found === undefined) return others.find(id)
      const linked = await identities.findByUser(id)
      if (linked === undefined || admissionProblem(linked.facts, found.federated.rules) !== undefined)
        return undefined
      return vouchedAccount(found.user, linked.facts)
    },
    async confirm(id) {
      const found = await findVouched(id)
      return found === undefined ? others.confirm(id) : confirmAccount(ports, id, found.federated)
    },
  }

  const federation: Federation = {
    providers: providers.map(({ provider }) => provider),
    async finish(provider, query, attempt) {
      const federated = byName.get(provider.name)
      if (federated === undefined) throw new Error(`there is no provider ${provider.name}`)
      try {
        return await enter(await provider.redeem(query, attempt), federated)
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
