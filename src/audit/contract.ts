import type { AuditEvent } from './event.ts'

/** Takes up events. What comes back from `commit` has been written; `record` may leave it to the end of the turn. */
export interface Recorder {
  /**
   * Takes up an event, which is written before anything that comes in later is answered: at the end of this turn of the
   * event loop. Where the operator wants no decision without its event it is written at once, and throws the Refusal
   * `audit_unavailable` when it cannot be.
   */
  record(event: AuditEvent): void
  /** Writes an event at once, with all that wait. Throws as `record` does. */
  commit(event: AuditEvent): void
  /** Throws the Refusal `audit_unavailable` while events cannot be written and the operator wants no decision without. */
  check(): void
}
