import type { Clock } from '../core/clock.ts'
import { longestTokenSeconds } from '../core/lifetimes.ts'
import { grantName } from '../core/secret.ts'
import type { ArtifactStore } from '../storage/contract.ts'
import type { RevocationStore } from '../storage/revocation-contract.ts'

/** What a person let a client do. */
export interface GrantRecord {
  /** The library's id of it: a secret of the store. */
  readonly id: string
  readonly accountId: string
  readonly clientId: string
  /** Milliseconds since the epoch. */
  readonly grantedAt: number
  /** Scopes by resource. */
  readonly resources: Readonly<Record<string, readonly string[]>>
}

/** The grants that people gave to clients, and how they end. */
export interface Grants {
  /** Ends a grant, with every code and token that came from it, also the access tokens that are out already. */
  revoke(grantId: string): Promise<void>
  /** What an account has granted and still stands, newest first: all of it, or the latest to one client. */
  list(accountId: string, latest?: LatestOfClient): Promise<readonly GrantRecord[]>
  /** What all accounts have granted and still stands, no more than so many: what ends last comes first. */
  listAll(most: number): Promise<readonly GrantRecord[]>
  /** Ends all that an account has granted, or what it granted to one client. Resolves to how many. */
  revokeAll(accountId: string, clientId?: string): Promise<number>
}

interface LatestOfClient {
  readonly clientId: string
  readonly most?: number
}

interface GrantsPorts {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly clock: Clock
}

/** Grants over the store of artifacts, which the library fills. */
export function grants({ artifacts, revocations, clock }: GrantsPorts): Grants {
  const revoke = async (grantId: string): Promise<void> => {
    // First, so that whoever is interrupted here has ended the access tokens, and finds the grant when they repeat it.
    const expiresAt = clock.now() + longestTokenSeconds * 1000
    await revocations.add({ kind: 'grant', id: grantName(grantId), expiresAt })
    await artifacts.removeGrant(grantId)
  }

  const list = async (accountId: string, latest?: LatestOfClient): Promise<GrantRecord[]> => {
    const found = await artifacts.listByAccount('Grant', accountId, latest)
    return found
      .map(({ payload }) => payload as unknown as StoredGrant)
      .filter(({ exp }) => exp === undefined || exp * 1000 > clock.now())
      .map(recordOf)
      .toSorted((one, other) => other.grantedAt - one.grantedAt)
  }

  return {
    revoke,
    list,
    async listAll(most) {
      const found = await artifacts.list('Grant', { text: '', skip: 0, most })
      return found.map(({ payload }) => recordOf(payload as unknown as StoredGrant))
    },
    async revokeAll(accountId, clientId) {
      const ending = await list(accountId, clientId === undefined ? undefined : { clientId })
      for (const { id } of ending) await revoke(id)
      return ending.length
    },
  }
}

/** A grant as the library writes it. */
interface StoredGrant {
  readonly jti: string
  readonly accountId: string
  readonly clientId: string
  readonly iat: number
  readonly exp?: number
  readonly resources?: Readonly<Record<string, string>>
}

function recordOf({ jti, accountId, clientId, iat, resources = {} }: StoredGrant): GrantRecord {
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
