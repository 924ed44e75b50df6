import type { AuditEvent } from './event.ts'

/**
 * Records events. `commit` returns after they are written; `record` may postpone that to the end of the turn.
 */
export interface Recorder {
  /**
   * Records an event, which is written at the end of this turn of the event loop, and so before any later
   * request is answered. If the operator wants no decision without its event, it is written at once; then
   * this throws the Refusal `audit_unavailable` if it cannot be.
   */
  record(event: AuditEvent): void
  /** Writes an event at once, together with all that are waiting. Throws as `record` does. */
  commit(event: AuditEvent): void
  /**
   * Throws the Refusal `audit_unavailable` while events cannot be written, if the operator wants no decision
   * without its event.
   */
  check(): void
}
