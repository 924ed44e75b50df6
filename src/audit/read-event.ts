import type { RecordedEvent } from './event.ts'

/** Reads a line as an event. Undefined for anything that is none. The line is untrusted. */
export function readEvent(line: string): RecordedEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // that it is no event is all there is to say
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
