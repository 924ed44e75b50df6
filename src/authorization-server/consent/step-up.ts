import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import { ScopeSet } from '../../core/scope.ts'
import type { ArtifactStore, FoundArtifact } from '../../storage/artifact-contract.ts'
import { errors, Provider } from '../library/library.ts'
import { presentedToken } from '../tokens/redemption.ts'

/** A call that a client was just refused because scopes were missing. */
interface StepUpNeed {
  readonly clientId: string
  readonly subject: string
  readonly resource: string
  /** The grant's name, as it appears in its access tokens. */
  readonly grantName: string
  /** All scopes that the call needs. */
  readonly scopes: readonly string[]
}

interface KeptNeed extends Pick<StepUpNeed, 'resource' | 'scopes'> {
  readonly expiresAt: number
}

/**
 * What the authorization server remembers for a while about challenges for more scopes. Good clients need
 * none of it: they ask the user for the scopes in the challenge. Many others refresh instead, or repeat their
 * previous request; this is how they also get the scopes, with the user's consent.
 */
export interface StepUps {
  /** Resolves when every replica will see it. */
  remember(need: StepUpNeed): Promise<void>
  /** Notes whether the grant found for the request that the library is answering was challenged. */
  notice(grant: FoundArtifact): void
  /**
   * Throws InvalidGrant after a challenge, once for each grant and set of scopes: a refresh cannot widen a
   * grant, so the client has to ask the user, unless the call was made with a token for less than was granted
   * and the refresh has `scopes` that are enough. Repeating the challenge cannot prevent the grant from being
   * used.
   */
  refuseRefresh(context: KoaContextWithOIDC, scopes: readonly string[]): Promise<void>
  /** The scopes that this client was recently found to lack for this user and resource. */
  neededScopes(clientId: string, subject: string, resource: string): Promise<readonly string[]>
  /**
   * The user has refused, or the client has received its tokens. That the user has agreed is not enough: some
   * clients are gone before the answer, and ask anew for what they asked before.
   */
  forget(clientId: string, subject: string): Promise<void>
}

const toldModel = 'StepUpTold'
const needModel = 'StepUpNeed'
const refusalMilliseconds = 30_000
const toldMilliseconds = 24 * 3600_000
const needMilliseconds = 10 * 60_000

/** Keeps challenges in the store, where every replica sees them. */
export function stepUps(artifacts: ArtifactStore, clock: Clock): StepUps {
  const needId = (clientId: string, subject: string): string => JSON.stringify([clientId, subject])
  // A refresh reads its grant anyway; only if the grant was challenged does it have to ask the store.
  const challenged = new WeakSet<object>()
  const findNeed = async (clientId: string, subject: string): Promise<KeptNeed | undefined> => {
    const found = await artifacts.find(needModel, needId(clientId, subject))
    const need = found?.payload as KeptNeed | undefined
    return need !== undefined && need.expiresAt > clock.now() ? need : undefined
  }
  return {
    notice({ challengedUntil = 0 }) {
      if (Provider.ctx !== undefined && challengedUntil > clock.now()) challenged.add(Provider.ctx)
    },
    async remember({ clientId, subject, resource, grantName: name, scopes }) {
      const expiresAt = (milliseconds: number): number => clock.now() + milliseconds
      const isNew = await artifacts.insertOnce({
        model: toldModel,
        id: JSON.stringify([name, scopes.toSorted()]),
        payload: {},
        expiresAt: expiresAt(toldMilliseconds),
      })
      if (isNew) await artifacts.challenge('Grant', name, expiresAt(refusalMilliseconds))
      const payload = { resource, scopes, expiresAt: expiresAt(needMilliseconds) }
      await artifacts.put({
        model: needModel,
        id: needId(clientId, subject),
        payload,
        expiresAt: payload.expiresAt,
      })
    },
    async refuseRefresh(context, scopes) {
      const presented = presentedToken()
      if (presented === undefined || !challenged.has(context)) return
      // A token that was used before leads to the same successor as then; the refusal applies to the current
      // one.
      if (presented.serial < presented.held.serial) return
      const { clientId = '', accountId = '', resource } = context.oidc.entities.RefreshToken ?? {}
      const need = await findNeed(clientId, accountId)
      const isSame = need !== undefined && [resource].flat().includes(need.resource)
      if (isSame && new ScopeSet(scopes).missing(need.scopes).length === 0) return
      if (!(await artifacts.answerChallenge('Grant', presented.grantId))) return
      throw new errors.InvalidGrant('more scopes are needed: ask the user for them')
    },
    async neededScopes(clientId, subject, resource) {
      const need = await findNeed(clientId, subject)
      return need?.resource === resource ? need.scopes : []
    },
    forget: (clientId, subject) => artifacts.remove(needModel, needId(clientId, subject)),
  }
}
