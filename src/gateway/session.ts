import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import type { Sealer } from '../core/secret.ts'
import { isRevision, type Revision } from '../mcp/revisions.ts'
import type { Opening } from './call.ts'

/** A legacy session of an MCP server, as the gateway remembers it inside the id that the client holds. */
export interface Session {
  /** The server's own id. The client never sees it. */
  readonly upstreamId: string
  /** What the client asked for when it opened the session. */
  readonly revision: Revision | undefined
  /** How it can be opened again, and until when: milliseconds since the epoch. */
  readonly renewal: { readonly initialize: string; readonly until: number } | undefined
}

/** `foreign` is an id that is not this principal's at this server: unknown, somebody else's, or made up. */
export type SessionClaim = Session | 'none' | 'foreign'

/** Session ids that any replica can open, and that mean nothing to another user, client or server. */
export interface Sessions {
  seal(upstreamId: string, opening: Opening, owner: { principal: Principal; upstream: string }): string
  /** The id is untrusted. */
  open(id: string | undefined, principal: Principal, upstream: string): SessionClaim
}

/** No part of a session can have one: ids are visible ASCII, and JSON is written without. */
const separator = '\n'
const renewableMilliseconds = 7 * 24 * 60 * 60 * 1000

/** Builds the sessions over a sealer: the binding to the principal is its context. */
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

/** Names a principal: the same text for the same issuer, subject and client, and for no other. */
export function principalName(principal: Principal): string {
  const known = names.get(principal)
  if (known !== undefined) return known
  const { issuer, subject, clientId } = principal
  const name = JSON.stringify([issuer, subject, clientId])
  names.set(principal, name)
  return name
}

/** A principal lives as long as its token is cached. */
const names = new WeakMap<Principal, string>()

/** What a sealed thing is bound to: the same issuer, subject, client and server, and no other. */
export function ownerContext(principal: Principal, upstream: string): string {
  return `${principalName(principal)}\n${upstream}`
}
