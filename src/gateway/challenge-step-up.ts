import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { CallSummary } from './call.ts'
import type { UpstreamPolicy } from './upstream.ts'

/** Tells the authorization server which scopes a client lacks, so that it can ask the user for them. */
export interface StepUpMemory {
  /** Resolves when the authorization server will see it. */
  remember(need: {
    readonly issuer: string
    readonly clientId: string
    readonly subject: string
    readonly resource: string
    readonly grantName: string
    readonly scopes: readonly string[]
  }): Promise<void>
}

/**
 * Refuses a call because a scope is missing, with the challenge that tells the client what to request (MCP
 * authorization, "Scope Challenge Handling"): all scopes that the operation needs and, for clients of older
 * revisions, which forget what they were granted, also the granted ones. Throws `scope_insufficient`.
 */
export async function challengeStepUp(
  memory: StepUpMemory,
  principal: Principal,
  call: Pick<CallSummary, 'era' | 'methods'>,
  context: {
    readonly needed: readonly string[]
    readonly upstream: UpstreamPolicy
  },
): Promise<never> {
  const { needed, upstream } = context
  const { issuer, clientId, subject, grantId: grantName, actor } = principal
  // Before the answer, since some clients reach the token endpoint within the same millisecond. A client that
  // was handed the token by another has no grant of its own to widen, and must not stop the grant's owner
  // from refreshing.
  if (grantName !== undefined && actor === undefined) {
    const { resource } = upstream
    await memory.remember({ issuer, clientId, subject, resource, grantName, scopes: needed })
  }
  const missing = principal.scopes.missing(needed)
  const granted = call.era === 'legacy' ? principal.scopes.list : []
  throw new Refusal('scope_insufficient', {
    reason: `needs ${missing.join(' ')}`,
    // Many clients show a user or a model this and nothing else.
    explain: `${missing.join(' ')}. If your program does not ask you for it, sign in to this server again`,
    missing,
    challenge: {
      error: 'insufficient_scope',
      offersDpop: upstream.dpop !== 'off',
      scopes: [...new Set([...granted, ...needed])],
      // Without the request id, since some clients only stop asking when a challenge literally repeats the
      // previous one.
      description: `${describe(call)} needs more permission`,
    },
  })
}

/** Method names come from our table, so they are safe to show. */
function describe({ methods }: Pick<CallSummary, 'methods'>): string {
  return methods.map((method) => method.replace('/', ' ')).join(', ')
}
