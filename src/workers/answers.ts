import type { CollectedMetrics } from '../telemetry/metrics.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'

/** What a worker can be asked, and what it answers. */
export interface Answers {
  /** What it has counted. */
  collect: CollectedMetrics
  /** What it has seen. */
  watch: readonly TenantTraffic[]
  /** What prevents serving, if anything does. */
  check: string | undefined
}

/** Something that a worker can be asked. */
export type Question = keyof Answers

/** The last answer of a worker to each question, and who waits for its next one. */
export interface LastAnswers {
  /** Before the first answer: that it has counted and seen nothing, and that nothing prevents serving. */
  get<Q extends Question>(question: Q): Answers[Q]
  put<Q extends Question>(question: Q, answer: Answers[Q]): void
  /** Resolves when the next answer to a question has come, or none will, or it takes longer than this. */
  next(question: Question, milliseconds: number): Promise<void>
  /** No more answers will come: nobody waits for one any more. */
  end(): void
}

/** Begins with no answer. */
export function createAnswers(): LastAnswers {
  const answers: Answers = { collect: [], watch: [], check: undefined }
  const waiting = {
    collect: new Set<() => void>(),
    watch: new Set<() => void>(),
    check: new Set<() => void>(),
  }
  const goOn = (question: Question): void => {
    for (const resolve of waiting[question]) resolve()
    waiting[question].clear()
  }
  return {
    get: (question) => answers[question],
    put(question, answer) {
      answers[question] = answer
      goOn(question)
    },
    async next(question, milliseconds) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting[question].add(resolve)
      const timer = setTimeout(resolve, milliseconds)
      await promise
      clearTimeout(timer)
      waiting[question].delete(resolve)
    },
    end() {
      goOn('collect')
      goOn('watch')
      goOn('check')
    },
  }
}
