import type { RecordedEvent } from './event.ts'

/** Parses a line as an event. Undefined if it is not one. The line is untrusted. */
export function readEvent(line: string): RecordedEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // not an event: nothing more to say
  }
  const { v, chain, seq, prev, time, event } = (value ?? {}) as Record<string, unknown>
  const isEvent =
    v === 1 &&
    typeof chain === 'string' &&
    Number.isSafeInteger(seq) &&
    typeof prev === 'string' &&
    typeof time === 'string' &&
    typeof event === 'string'
  return isEvent ? (value as RecordedEvent) : undefined
}
