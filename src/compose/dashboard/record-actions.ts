import type { Listing } from '../../admin/contract.ts'
import type { Recorder } from '../../audit/contract.ts'
import type { EventName } from '../../audit/event.ts'
import { recordOutcome } from '../../audit/record-outcome.ts'
import { scrub } from '../../telemetry/scrub.ts'

const events: Readonly<Record<string, EventName>> = {
  '/users': 'admin.user',
  '/clients': 'admin.client',
  '/keys': 'admin.key',
}

/**
 * Records in the audit whatever an operator does in the dashboard. If that is required and impossible,
 * nothing is done.
 */
export function recordActions(listing: Listing, recorder: Recorder): Listing {
  const event = events[listing.path] ?? 'admin.access'
  const actions = Object.entries(listing.actions).map(([name, action]) => {
    const act = async (id: string, operator: string): Promise<string> => {
      recorder.check()
      const what = {
        event,
        operator,
        action: `dashboard ${listing.path.slice(1)} ${name}`,
        target: scrub(id),
      } as const
      return recordOutcome(recorder, what, () => action.act(id, operator))
    }
    return [name, { ...action, act }] as const
  })
  return { ...listing, actions: Object.fromEntries(actions) }
}
