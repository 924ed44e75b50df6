import type { RecordedEvent } from './event.ts'
import { type EventFilter, matches } from './filter.ts'
import { readEvent } from './read-event.ts'
import type { Lines } from './read-lines.ts'

/** An event with the line that it was read from. */
export interface SelectedEvent {
  readonly event: RecordedEvent
  readonly line: string
}

/**
 * The selected events, in batches. The trail's events about itself are left out, unless they are requested by
 * name.
 */
export async function* selectEvents(
  batches: AsyncIterable<Lines>,
  filter: EventFilter,
): AsyncGenerator<readonly SelectedEvent[]> {
  const wantsTrail = filter.event?.startsWith('audit') === true
  for await (const { lines } of batches) {
    const selected: SelectedEvent[] = []
    for (const line of lines) {
      const event = readEvent(line)
      if (event === undefined || (!wantsTrail && event.event.startsWith('audit.'))) continue
      if (matches(filter, event)) selected.push({ event, line })
    }
    if (selected.length > 0) yield selected
  }
}
