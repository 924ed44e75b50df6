import type { Principal } from '../../core/principal.ts'
import type { Sealer } from '../../core/secret.ts'
import { ownerContext } from './owner.ts'

/**
 * Task ids as clients hold them: any replica opens them, and they are useless to another user, client or
 * server.
 */
export interface TaskIds {
  /** The same id gives the same output for the same owner, since clients compare ids. */
  seal(id: string, owner: Principal, upstream: string): string
  /** Undefined for what was not sealed for this owner. The id is untrusted. */
  open(sealed: string, owner: Principal, upstream: string): string | undefined
}

/** Builds the ids over a repeatable sealer. */
export function sealedTaskIds(sealer: Sealer): TaskIds {
  return {
    seal: (id, owner, upstream) => sealer.seal(id, ownerContext(owner, upstream)),
    open: (sealed, owner, upstream) => sealer.open(sealed, ownerContext(owner, upstream)),
  }
}
