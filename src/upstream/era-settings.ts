import type { Clock } from '../core/clock.ts'
import type { Era } from '../mcp/revisions.ts'
import type { ConversationLimits } from './conversation/registry.ts'
import type { AtOwner } from './owner/contract.ts'
import type { Implementation } from './probe/questions.ts'
import type { Speaks } from './probe/verdicts.ts'
import type { Successors } from './renewal/successors.ts'

/** What is configured about a server's era; what is not pinned is found out by asking it. */
export interface EraSettings {
  readonly era: Era | 'both' | 'auto'
  /** How long an answer is remembered. */
  readonly probeSeconds: number
  readonly limits: ConversationLimits
  /** Timeout for the first sign of an answer to a request. */
  readonly responseSeconds: number
  /** How the gateway names itself to the server. */
  readonly self: Implementation
  readonly clock: Clock
  /**
   * State that must not be lost between two requests lives in one process. Bytes that only pass through need
   * not go there.
   */
  readonly atOwner: AtOwner
  readonly successors: Successors
  /** Called with what the server speaks, if that is news. */
  readonly onVerdict: (era: Era, speaks: Speaks) => void
}
