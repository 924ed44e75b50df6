import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { clockDifferenceMilliseconds, isIssuedBefore } from '../core/revocation.ts'

interface DenyListOptions {
  readonly feed: RevocationFeed
  /** Whose tokens the revocations are about. */
  readonly issuer: string
  readonly clock: Clock
  /** Told when the store does not answer; the list keeps what it knows. */
  readonly onFault: (error: unknown) => void
  /** Milliseconds that have passed since some moment, whatever becomes of the clock. */
  readonly elapsed?: () => number
}

interface Revocation {
  readonly kind: 'grant' | 'token' | 'client' | 'user'
  readonly id: string
  readonly expiresAt: number
  readonly revokedAt: number
}

/** Where revocations come from. */
interface RevocationFeed {
  since(time: number): Promise<readonly Revocation[]>
  subscribe(listener: (revocation: Revocation) => void): () => void
}

/** Tokens, grants, clients and users that no longer count, although signature and lifetime are right. Kept in memory. */
export interface DenyList {
  /** Nobody knows when others have not been heard for too long. */
  readonly isRevoked: (principal: Principal) => boolean | 'unknown'
  readonly close: () => void
}

/** A token passes until a little after its end, and a revocation must last longer than what it revokes. */
const keepMilliseconds = 60_000
const pollMilliseconds = 1000
/**
 * A revocation bears the time at which its writing began, and may be seen this much later: who writes waits for a connection,
 * for a lock, or for a standby.
 */
const lateMilliseconds = 60_000
/** Looking so far back costs more, and is done less often. */
const thoroughMilliseconds = 10_000
/** Longer than a database needs to change over to its standby; then what others revoke must not go on counting. */
const staleMilliseconds = 60_000

/**
 * Opens the list: reads what there is, hears at once of what this process revokes, and asks every second for what
 * others do; now and then also for what took them long.
 */
export async function openDenyList({
  feed,
  issuer: own,
  clock,
  onFault,
  elapsed = () => performance.now(),
}: DenyListOptions): Promise<DenyList> {
  const list = (): Map<string, Revocation> => new Map()
  const revoked = { grant: list(), token: list(), client: list(), user: list() }
  const add = (revocation: Revocation): void => void revoked[revocation.kind].set(revocation.id, revocation)
  const unsubscribe = feed.subscribe(add)
  let polled = clock.now()
  let heard = elapsed()
  let thorough = { at: polled, heard }
  let polling = false
  for (const revocation of await feed.since(0)) add(revocation)

  const poll = async (): Promise<void> => {
    const now = clock.now()
    const began = elapsed()
    // A clock that was set back makes tokens good again whose revocations were dropped here.
    const isSetBack = now < polled
    const isThorough = isSetBack || began - thorough.heard >= thoroughMilliseconds
    const last = isThorough ? thorough.at - lateMilliseconds : polled
    const from = isSetBack ? 0 : last - clockDifferenceMilliseconds
    for (const revocation of await feed.since(from)) add(revocation)
    polled = now
    heard = began
    if (isThorough) thorough = { at: now, heard: began }
    for (const ended of Object.values(revoked)) {
      for (const { id, expiresAt } of ended.values())
        if (expiresAt + keepMilliseconds <= now) ended.delete(id)
    }
  }
  const pollInTurn = async (): Promise<void> => {
    if (polling) return
    polling = true
    await poll().catch(onFault)
    polling = false
  }
  const timer = setInterval(() => void pollInTurn(), pollMilliseconds).unref()

  const wasRevoked = (kind: 'client' | 'user', id: string, issuedAt: number): boolean => {
    const revocation = revoked[kind].get(id)
    return revocation !== undefined && isIssuedBefore(revocation.revokedAt, issuedAt)
  }

  /** Asked on every request, so it makes nothing. */
  const isOfRevokedClient = ({ holders, issuedAt }: Principal): boolean => {
    for (let at = 0; at < holders.length; at++)
      if (wasRevoked('client', holders[at] as string, issuedAt)) return true
    return false
  }

  return {
    isRevoked(principal) {
      const { issuer, tokenId, grantId, originIds, vouchedUser, issuedAt } = principal
      if (issuer !== own) return false
      if (elapsed() - heard > staleMilliseconds) return 'unknown'
      return (
        (revoked.client.size > 0 && isOfRevokedClient(principal)) ||
        (vouchedUser !== undefined && wasRevoked('user', vouchedUser, issuedAt)) ||
        (revoked.grant.size > 0 && grantId !== undefined && revoked.grant.has(grantId)) ||
        (revoked.token.size > 0 &&
          ((tokenId !== undefined && revoked.token.has(tokenId)) ||
            originIds?.some((id) => revoked.token.has(id)) === true))
      )
    },
    close() {
      clearInterval(timer)
      unsubscribe()
    },
  }
}
