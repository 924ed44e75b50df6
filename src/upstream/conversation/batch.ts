import { errorKinds, type Refusal } from '../../core/errors.ts'
import { errorOf } from './json-rpc.ts'
import type { Sink } from './sink.ts'

/**
 * The sinks for the requests of one batch: their answers are sent together, as the last message of `sink`
 * (MCP 2025-03-26). If all of them fail, and nothing was heard of them before, the batch fails as the first of
 * them did.
 */
export function gatherAnswers(sink: Sink, count: number): Sink[] {
  const answers: object[] = []
  let left = count
  let firstRefusal: Refusal | undefined
  let isHeard = false
  const settle = (): void => {
    if (--left > 0) return
    if (firstRefusal !== undefined && !isHeard) return sink.fail(firstRefusal)
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
    const hear = (): Sink => {
      isHeard = true
      return sink
    }
    return {
      open: () => hear().open(),
      push: (message) => hear().push(message),
      finish(answer) {
        hear()
        once(answer)
      },
      end() {
        hear()
        once()
      },
      fail(refusal, id) {
        firstRefusal ??= refusal
        once(errorOf(id, errorKinds[refusal.code].rpc, refusal.message))
      },
      get closed() {
        return sink.closed
      },
    }
  }
  return Array.from({ length: count }, one)
}
