import { errorKinds } from '../../core/errors.ts'
import { errorOf } from './json-rpc.ts'
import type { Sink } from './sink.ts'

/**
 * The sinks for the requests of one batch: their answers are sent together, as the last message of `sink`
 * (MCP 2025-03-26).
 */
export function gatherAnswers(sink: Sink, count: number): Sink[] {
  const answers: object[] = []
  let left = count
  const settle = (): void => {
    if (--left > 0) return
    if (answers.length > 0) return sink.finish(answers)
    sink.open()
    sink.end(200)
  }
  const one = (): Sink => {
    let settled = false
    const once = (answer?: object): void => {
      if (settled) return
      settled = true
      if (answer !== undefined) answers.push(answer)
      settle()
    }
    return {
      open: () => sink.open(),
      push: (message) => sink.push(message),
      finish: once,
      end: () => once(),
      fail: ({ code, message }, id) => once(errorOf(id, errorKinds[code].rpc, message)),
      get closed() {
        return sink.closed
      },
    }
  }
  return Array.from({ length: count }, one)
}
