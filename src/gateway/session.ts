import type { Principal } from '../core/principal.ts'
import type { Sealer } from '../core/secret.ts'
import { isRevision, type Revision } from '../mcp/revisions.ts'

/** A legacy session of an MCP server, as the gateway remembers it inside the id that the client holds. */
interface Session {
  /** The server's own id. The client never sees it. */
  readonly upstreamId: string
  /** What the client asked for when it opened the session. */
  readonly revision: Revision | undefined
}

/** `foreign` is an id that is not this principal's at this server: unknown, somebody else's, or made up. */
export type SessionClaim = Session | 'none' | 'foreign'

/** Session ids that any replica can open, and that mean nothing to another user, client or server. */
export interface Sessions {
  seal(session: Session, principal: Principal, upstream: string): string
  /** The id is untrusted. */
  open(id: string | undefined, principal: Principal, upstream: string): SessionClaim
}

const revisionSeparator = '\n'

/** Builds the sessions over a sealer: the binding to the principal is its context. */
export function sealedSessions(sealer: Sealer): Sessions {
  return {
    seal: ({ upstreamId, revision }, principal, upstream) =>
      sealer.seal(`${revision ?? ''}${revisionSeparator}${upstreamId}`, ownerContext(principal, upstream)),
    open(id, principal, upstream) {
      if (id === undefined) return 'none'
      const text = sealer.open(id, ownerContext(principal, upstream))
      if (text === undefined) return 'foreign'
      const end = text.indexOf(revisionSeparator)
      const revision = text.slice(0, end)
      return { upstreamId: text.slice(end + 1), revision: isRevision(revision) ? revision : undefined }
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
