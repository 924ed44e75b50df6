import type { Clock } from '../../core/clock.ts'
import type { Principal } from '../../core/principal.ts'
import type { Sealer } from '../../core/secret.ts'
import { isRevision, type Revision } from '../../mcp/revisions.ts'
import type { Opening } from '../call.ts'
import { ownerContext } from './owner.ts'

/** A legacy session of an MCP server, as the gateway stores it in the id that the client holds. */
export interface Session {
  /** The server's own id, which the client never sees. */
  readonly upstreamId: string
  /** The revision that the client asked for when it opened the session. */
  readonly revision: Revision | undefined
  /** How the session can be opened again, and until when, in milliseconds since the epoch. */
  readonly renewal: { readonly initialize: string; readonly until: number } | undefined
}

/** `foreign` is an id that is not this principal's at this server: unknown, somebody else's, or made up. */
export type SessionClaim = Session | 'none' | 'foreign'

/** Session ids that any replica can open, and that are useless to another user, client or server. */
export interface Sessions {
  seal(upstreamId: string, opening: Opening, owner: { principal: Principal; upstream: string }): string
  /** The id is untrusted. */
  open(id: string | undefined, principal: Principal, upstream: string): SessionClaim
}

/** No part of a session can contain it: ids are visible ASCII, and JSON is written without line breaks. */
const separator = '\n'
const renewableMilliseconds = 7 * 24 * 60 * 60 * 1000

/** Builds the sessions over a sealer, which binds them to the principal through its context. */
export function sealedSessions(sealer: Sealer, clock: Clock): Sessions {
  return {
    seal(upstreamId, { revision, initialize }, { principal, upstream }) {
      const renewal =
        initialize === undefined ? [] : [String(clock.now() + renewableMilliseconds), initialize]
      const text = [revision ?? '', upstreamId, ...renewal].join(separator)
      return sealer.seal(text, ownerContext(principal, upstream))
    },
    open(id, principal, upstream) {
      if (id === undefined) return 'none'
      const text = sealer.open(id, ownerContext(principal, upstream))
      if (text === undefined) return 'foreign'
      const [revision, upstreamId = '', until, initialize] = text.split(separator)
      const isRenewable = initialize !== undefined && Number(until) > clock.now()
      return {
        upstreamId,
        revision: isRevision(revision) ? revision : undefined,
        renewal: isRenewable ? { initialize, until: Number(until) } : undefined,
      }
    },
  }
}
