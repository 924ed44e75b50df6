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

/**
 * The connector to a legacy server that says that it speaks no era: what it does in a session shows that it speaks
 * this one. It may have no other session to give to whoever asks it, be that later or another replica.
 */
export function learnFromUse(verdicts: Verdicts, native: Connector): Connector {
  return {
    send(request, reply) {
      const { session } = request // not the request itself, which a stream no longer needs
      return native.send(request, {
        ...reply,
        accept(status, headers) {
          if (session !== undefined && status >= 200 && status < 300) verdicts.learn('legacy', 'native')
          return reply.accept(status, headers)
        },
      })
    },
    close: () => native.close(),
  }
}
