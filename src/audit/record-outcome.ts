import { scrub } from '../telemetry/scrub.ts'
import type { Recorder } from './contract.ts'
import type { AuditEvent } from './event.ts'

/**
 * Does what an operator asks for, and records once whether that succeeded. Throws as `act` does, and as
 * `commit`: by then what was asked for is done.
 */
export async function recordOutcome<T>(
  recorder: Pick<Recorder, 'commit'>,
  event: Omit<AuditEvent, 'outcome'>,
  act: () => Promise<T>,
): Promise<T> {
  let result: T
  try {
    result = await act()
  } catch (error) {
    recorder.commit({ ...event, outcome: 'failed', reason: scrub((error as Error).message) })
    throw error
  }
  recorder.commit({ ...event, outcome: 'allowed' })
  return result
}
