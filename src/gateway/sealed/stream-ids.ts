import type { Principal } from '../../core/principal.ts'
import type { Sealer } from '../../core/secret.ts'
import { ownerContext } from './owner.ts'

/**
 * Who a stream belongs to: a principal, in a session at a server, identified by the server's own session id
 * if there is one.
 */
interface StreamOwner {
  readonly principal: Principal
  /** The name of the server. */
  readonly upstream: string
  readonly session: string | undefined
}

/** The id of a request of the server, the token by which its progress is reported on, or a place in the stream. */
export type Kind = 'request' | 'progress' | 'place'

/**
 * What a server says in a stream for its client to repeat (ids of its requests, progress tokens, places in the stream) as
 * the client holds it: any replica opens it, and it means nothing in anybody else's session, nor as another kind.
 */
export interface StreamIds {
  /** The same text becomes the same one for the same owner: a server names its request again to take it back. */
  seal(kind: Kind, text: string, owner: StreamOwner): string
  /** Undefined for what was not sealed as this kind for this owner. The text is untrusted. */
  open(kind: Kind, sealed: string, owner: StreamOwner): string | undefined
}

/** Builds the ids over a repeatable sealer. */
export function sealedStreamIds(sealer: Sealer): StreamIds {
  return {
    seal: (kind, text, owner) => sealer.seal(text, contextOf(kind, owner)),
    open: (kind, sealed, owner) => sealer.open(sealed, contextOf(kind, owner)),
  }
}

function contextOf(kind: Kind, { principal, upstream, session = '' }: StreamOwner): string {
  return `${ownerContext(principal, upstream)}\n${kind}\n${session}`
}
