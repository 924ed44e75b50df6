import type { Clock } from '../../core/clock.ts'
import type { Principal } from '../../core/principal.ts'
import { openPulse, type Pulse } from '../../core/pulse.ts'
import { clockDifferenceMilliseconds, isIssuedBefore } from '../../core/revocation.ts'

interface DenyListOptions {
  readonly feed: RevocationFeed
  /** The issuer whose tokens the revocations apply to. */
  readonly issuer: string
  readonly clock: Clock
  /** Called when the store does not answer; the list keeps what it knows. */
  readonly onFault: (error: unknown) => void
  /** When to look for the revocations of others. */
  readonly pulse?: Pulse
  /** A monotonic clock in milliseconds, unaffected by changes of the system time. */
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

/**
 * Tokens, grants, clients and users that have been revoked, although signature and lifetime may be valid.
 * Kept in memory.
 */
export interface DenyList {
  /** `unknown` if nothing has been heard of other processes' revocations for too long. */
  readonly isRevoked: (principal: Principal) => boolean | 'unknown'
  readonly close: () => void
}

/** A token is accepted until slightly after its expiry, and a revocation must outlast what it revokes. */
const keepMilliseconds = 60_000
/**
 * How much later than its timestamp a revocation may become visible: the timestamp is taken when writing
 * begins, and the writer may then wait for a connection, a lock or a standby.
 */
const lateMilliseconds = 60_000
/** Looking back that far costs more, so it is done less often. */
const thoroughMilliseconds = 10_000
/**
 * Longer than a database takes to fail over to its standby. After that, tokens that others may have revoked
 * must not be accepted any longer.
 */
const staleMilliseconds = 60_000

/**
 * Opens the list: reads the existing revocations, hears at once of those of this process, and polls every
 * second for those of others, from time to time also for those that were written slowly.
 */
export async function openDenyList({
  feed,
  issuer: own,
  clock,
  onFault,
  pulse = openPulse(),
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
  let closed = false
  for (const revocation of await feed.since(0)) add(revocation)

  const poll = async (): Promise<void> => {
    const now = clock.now()
    const began = elapsed()
    // If the clock was set back, tokens are valid again whose revocations were already dropped here.
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
    await poll().catch((error: unknown) => {
      // The store is closed after this.
      if (!closed) onFault(error)
    })
    polling = false
  }
  const stop = pulse(() => void pollInTurn())

  const wasRevoked = (kind: 'client' | 'user', id: string, issuedAt: number): boolean => {
    const revocation = revoked[kind].get(id)
    return revocation !== undefined && isIssuedBefore(revocation.revokedAt, issuedAt)
  }

  /** Runs on every request, so it allocates nothing. */
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
      closed = true
      stop()
      unsubscribe()
    },
  }
}
