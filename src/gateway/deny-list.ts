import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'

interface DenyListOptions {
  readonly feed: RevocationFeed
  /** Whose tokens the revocations are about. */
  readonly issuer: string
  readonly clock: Clock
  /** Told when the store does not answer; the list keeps what it knows. */
  readonly onFault: (error: unknown) => void
}

interface Revocation {
  readonly kind: 'grant' | 'token'
  readonly id: string
  readonly expiresAt: number
}

/** Where revocations come from. */
interface RevocationFeed {
  since(time: number): Promise<readonly Revocation[]>
  subscribe(listener: (revocation: Revocation) => void): () => void
}

/** Tokens and grants that no longer count, although signature and lifetime are right. Kept in memory, always current. */
export interface DenyList {
  readonly isRevoked: (principal: Principal) => boolean
  readonly close: () => void
}

/** A token passes until a little after its end, and a revocation must last longer than what it revokes. */
const keepMilliseconds = 60_000
const pollMilliseconds = 1000
/** Clocks of processes that share a store may differ by this much. */
const overlapMilliseconds = 10_000

/**
 * Opens the list: reads what there is, hears at once of what this process revokes, and asks every second for what
 * others do.
 */
export async function openDenyList({
  feed,
  issuer: own,
  clock,
  onFault,
}: DenyListOptions): Promise<DenyList> {
  const revoked = { grant: new Map<string, number>(), token: new Map<string, number>() }
  const add = ({ kind, id, expiresAt }: Revocation): void => void revoked[kind].set(id, expiresAt)
  const unsubscribe = feed.subscribe(add)
  let polled = clock.now()
  for (const revocation of await feed.since(0)) add(revocation)

  const poll = async (): Promise<void> => {
    const now = clock.now()
    for (const revocation of await feed.since(polled - overlapMilliseconds)) add(revocation)
    polled = now
    for (const list of [revoked.grant, revoked.token]) {
      for (const [id, expiresAt] of list) if (expiresAt + keepMilliseconds <= now) list.delete(id)
    }
  }
  const timer = setInterval(() => void poll().catch(onFault), pollMilliseconds).unref()

  return {
    isRevoked({ issuer, tokenId, grantId }) {
      if (issuer !== own) return false
      return (
        (revoked.grant.size > 0 && grantId !== undefined && revoked.grant.has(grantId)) ||
        (revoked.token.size > 0 && tokenId !== undefined && revoked.token.has(tokenId))
      )
    },
    close() {
      clearInterval(timer)
      unsubscribe()
    },
  }
}
