import type { Connector } from '../contract.ts'
import type { Verdicts } from './verdicts.ts'

interface LearningOptions {
  readonly verdicts: Verdicts
  /** The way of a legacy client to a server that speaks the era over Streamable HTTP. */
  readonly native: Connector
  /** The way of all that shows nothing; it asks the server if it has to. */
  readonly router: Connector
}

/** The head of the answer does not tell what the server speaks. */
class NothingShown extends Error {}

/**
 * The connector that takes a client's own `initialize` for the question whether the server speaks the legacy era, if
 * that is still unknown: a session that the server opens is the answer. Some servers have only one to give, and a
 * question of our own would use it up. Any other answer is discarded, since `initialize` may be repeated.
 */
export function learnFromSession({ verdicts, native, router }: LearningOptions): Connector {
  return {
    async send(request, reply) {
      if (!request.opensSession || verdicts.known('legacy', request.headers) !== undefined)
        return router.send(request, reply)
      try {
        await native.send(request, {
          ...reply,
          accept(status, headers) {
            if (status !== 200 || headers['mcp-session-id'] === undefined) throw new NothingShown()
            verdicts.learn('legacy', 'native')
            return reply.accept(status, headers)
          },
        })
      } catch (error) {
        if (!(error instanceof NothingShown)) throw error
        await router.send(request, reply)
      }
    },
    close: () => router.close(),
  }
}
