import type { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { EventKind } from '../telemetry/event.ts'
import type { RequestTrace } from '../telemetry/trace-contract.ts'
import type { CallSummary } from './call.ts'

/** Why policies do not permit something, and which of them could not be evaluated. */
export interface Objection {
  readonly reason: string
  readonly specifics?: string
}

/**
 * What is known of a running request. Only the handlers write it; it is read once, when the request is
 * over.
 */
export interface Note {
  kind: EventKind
  upstream?: string
  principal?: Principal
  call?: CallSummary
  scopes?: readonly string[]
  /** What policies that do not decide would have refused its methods for, in their order. */
  objections?: readonly (Objection | undefined)[]
  refusal?: Refusal
  /** Whether the audit already has the event of an allowed call. */
  isRecorded?: boolean
  /** Set if the request is traced and goes on to a server. */
  trace?: RequestTrace | undefined
}
