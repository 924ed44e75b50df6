import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { CallSummary } from './call.ts'
import type { UpstreamPolicy } from './upstream.ts'

/** Lets the authorization server know which scopes a client lacks, so that it can ask the user for them. */
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
 * Refuses a call for want of a scope, with the challenge that tells the client what to ask for (MCP authorization,
 * "Scope Challenge Handling"): every scope that the operation needs, and for clients of older revisions, which forget
 * what they were granted, also that. Throws `scope_insufficient`.
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
  // Before the answer: some clients are back at the token endpoint in the same millisecond. A client that was handed the
  // token has no grant of its own to widen, and must not stop the one that has it from refreshing.
  if (grantName !== undefined && actor === undefined) {
    const { resource } = upstream
    await memory.remember({ issuer, clientId, subject, resource, grantName, scopes: needed })
  }
  const missing = principal.scopes.missing(needed)
  const granted = call.era === 'legacy' ? principal.scopes.list : []
  throw new Refusal('scope_insufficient', {
    reason: `needs ${missing.join(' ')}`,
    missing,
    challenge: {
      error: 'insufficient_scope',
      offersDpop: upstream.dpop !== 'off',
      scopes: [...new Set([...granted, ...needed])],
      // Without the request's id: some clients stop asking where a challenge is, to the letter, the one before.
      description: `${describe(call)} needs more permission`,
    },
  })
}

/** Method names come from our table, so they are safe to show. */
function describe({ methods }: Pick<CallSummary, 'methods'>): string {
  return methods.map((method) => method.replace('/', ' ')).join(', ')
}
