import type { ServerResponse } from 'node:http'
import { endAnswer } from './unread.ts'

/** Ends a stream after a whole event, with a final text. */
type EndStream = (text: string | undefined) => void

const enders = new WeakMap<ServerResponse, EndStream>()

/** Registers how to end a stream, for writers that may be in the middle of an event. */
export function endStreamBy(res: ServerResponse, end: EndStream): void {
  enders.set(res, end)
}

/**
 * Ends a stream that would otherwise go on, with `text` as its last event if possible. One that has ended may
 * still wait for its reader.
 */
export function endStream(res: ServerResponse, text?: string): void {
  if (res.writableEnded) return
  const end = enders.get(res)
  if (end === undefined) endAnswer(res, text)
  else end(text)
}
