import type { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { EventKind } from '../telemetry/event.ts'
import type { RequestTrace } from '../telemetry/trace-contract.ts'
import type { CallSummary } from './call.ts'

/** What is known of a running request. Written by the handlers alone, read once when the request is over. */
export interface Note {
  kind: EventKind
  upstream?: string
  principal?: Principal
  call?: CallSummary
  scopes?: readonly string[]
  refusal?: Refusal
  /** Whether the audit has the event of a call that was let pass. */
  isRecorded?: boolean
  /** Where it is traced and goes on to a server. */
  trace?: RequestTrace | undefined
}
