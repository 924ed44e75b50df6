import type { AuditEvent } from '../audit/event.ts'
import { recordOutcome } from '../audit/record-outcome.ts'
import { openAudit } from '../compose/audit.ts'
import { systemClock } from '../core/clock.ts'
import { reasonOf } from '../core/reason-of.ts'
import { scrub } from '../telemetry/scrub.ts'
import { operatorName } from './operator.ts'
import type { OpenStore } from './with-store.ts'

/** What a command changes, for the audit. */
interface Change extends Pick<AuditEvent, 'event'> {
  readonly action: string
  readonly target?: string | undefined
  readonly scopes?: readonly string[]
}

/**
 * Makes a change that must be recorded in the audit. The audit is opened first, so that nothing is changed if
 * it cannot be written; its event says whether the change was made. If it cannot be written after that, the
 * change is made all the same, which the operator is told, and the command ends with 2.
 */
export async function audited<T>(
  { config, store }: Pick<OpenStore, 'config' | 'store'>,
  change: Change,
  act: () => Promise<T>,
): Promise<T> {
  const onFault = (error: unknown): void => console.error(`portcullis: ${scrub(reasonOf(error))}`)
  const audit = await openAudit(config, { store, clock: systemClock, onFault, onSink: () => undefined })
  const { trail } = audit
  const operator = operatorName()
  // Its refusal would hide what was done: it is written again when the trail is closed, which says if that fails.
  const recorder = {
    commit(event: AuditEvent) {
      try {
        trail.commit(event)
      } catch {
        // The fault has been told.
      }
    },
  }
  const target = change.target === undefined ? undefined : scrub(change.target)
  try {
    return await recordOutcome(recorder, { ...change, target, operator }, act)
  } finally {
    await audit.close().catch((error: unknown) => {
      onFault(error)
      process.exitCode = 2
    })
  }
}
