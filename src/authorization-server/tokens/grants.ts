import type { Clock } from '../../core/clock.ts'
import { longestTokenSeconds } from '../../core/lifetimes.ts'
import { grantName } from '../../core/secret.ts'
import type { ArtifactStore, FoundArtifact } from '../../storage/artifact-contract.ts'
import type { RevocationStore } from '../../storage/revocation-contract.ts'

/** What a user let a client do. */
export interface GrantRecord {
  /** The library's id for it: a secret of the store. */
  readonly id: string
  readonly accountId: string
  readonly clientId: string
  /** Milliseconds since the epoch. */
  readonly grantedAt: number
  /** Scopes by resource. */
  readonly resources: Readonly<Record<string, readonly string[]>>
}

/** The grants that users gave to clients, and how to end them. */
export interface Grants {
  /** Ends a grant, with every code and token that came from it, including issued access tokens. */
  revoke(grantId: string): Promise<void>
  /** An account's current grants, newest first: all of them, or the latest to one client. */
  list(accountId: string, latest?: LatestOfClient): Promise<readonly GrantRecord[]>
  /** The current grants of all accounts, at most this many, latest expiry first. */
  listAll(most: number): Promise<readonly GrantRecord[]>
  /** Ends all grants of an account, or those to one client. Resolves to their number. */
  revokeAll(accountId: string, clientId?: string): Promise<number>
  /** Ends all grants to a client. Resolves to their number. */
  revokeAllOf(clientId: string): Promise<number>
}

interface LatestOfClient {
  readonly clientId: string
  readonly most: number
}

interface GrantsPorts {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly clock: Clock
}

/** Grants over the store of artifacts, which the library fills. */
export function grants({ artifacts, revocations, clock }: GrantsPorts): Grants {
  const end = async (grantIds: readonly string[]): Promise<number> => {
    // Records all revocations first, so that no token waits for the removal of other grants, and so that an
    // interruption leaves the access tokens ended and the grants to be found by another attempt.
    const expiresAt = clock.now() + longestTokenSeconds * 1000
    await revocations.addAll(grantIds.map((id) => ({ kind: 'grant', id: grantName(id), expiresAt })))
    await artifacts.removeGrants(grantIds)
    return grantIds.length
  }

  const list = async (accountId: string, latest?: LatestOfClient): Promise<GrantRecord[]> => {
    const found = await artifacts.listByAccount('Grant', accountId, latest)
    return found
      .filter(({ payload: { exp } }) => exp === undefined || Number(exp) * 1000 > clock.now())
      .map(grantRecord)
      .toSorted((one, other) => other.grantedAt - one.grantedAt)
  }

  return {
    async revoke(grantId) {
      await end([grantId])
    },
    list,
    async listAll(most) {
      return (await artifacts.list('Grant', { text: '', skip: 0, most })).map(grantRecord)
    },
    async revokeAll(accountId, clientId) {
      return end(idsOf(await artifacts.listByAccount('Grant', accountId, { clientId })))
    },
    async revokeAllOf(clientId) {
      return end(idsOf(await artifacts.listByClient('Grant', clientId)))
    },
  }
}

/** Includes grants that are over: a token that came from one at its end may be valid for a moment longer. */
function idsOf(found: readonly FoundArtifact[]): string[] {
  return found.map(({ payload }) => String(payload['jti']))
}

/** A grant as the library writes it. */
interface StoredGrant {
  readonly jti: string
  readonly accountId: string
  readonly clientId: string
  readonly iat: number
  readonly resources?: Readonly<Record<string, string>>
}

/** A grant, as it was found in the store. */
export function grantRecord({ payload }: FoundArtifact): GrantRecord {
  const { jti, accountId, clientId, iat, resources = {} } = payload as unknown as StoredGrant
  return {
    id: jti,
    accountId,
    clientId,
    grantedAt: iat * 1000,
    resources: Object.fromEntries(
      Object.entries(resources).map(([resource, scope]) => [resource, scope.split(' ').filter(Boolean)]),
    ),
  }
}
