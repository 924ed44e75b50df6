import type { ServerResponse } from 'node:http'

/** Ends a stream after a whole event, with a last text. */
type EndStream = (text: string | undefined) => void

const enders = new WeakMap<ServerResponse, EndStream>()

/** Names who ends a stream: whoever writes it, where it may be in the middle of an event. */
export function endStreamBy(res: ServerResponse, end: EndStream): void {
  enders.set(res, end)
}

/** Ends a stream that would go on, with `text` as its last event where one can stand there. */
export function endStream(res: ServerResponse, text?: string): void {
  const end = enders.get(res)
  if (end === undefined) res.end(text)
  else end(text)
}
