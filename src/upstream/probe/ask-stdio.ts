import type { Refusal } from '../../core/errors.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { confirms, type Implementation, questionFor } from './questions.ts'
import type { AskServer, Speaks } from './verdicts.ts'

interface AskStdioOptions {
  readonly open: OpenChannel
  readonly self: Implementation
  readonly timeoutSeconds: number
}

/**
 * Asks a stdio server in a process of its own, which ends with the question: a server that was asked in the wrong era
 * may be in no state to go on. A server of the other era may not answer at all, or end.
 */
export function askStdio({ open, self, timeoutSeconds }: AskStdioOptions): AskServer {
  return (era) => {
    const { promise, resolve, reject } = Promise.withResolvers<Speaks>()
    const timer = setTimeout(() => resolve('no'), timeoutSeconds * 1000).unref()
    let answered = false
    const channel = open(
      {
        onMessage(message) {
          if (message['method'] !== undefined) return
          answered = true
          resolve(confirms(era, message) ? 'native' : 'no')
        },
        onFailure: (_id, refusal) => reject(refusal),
        onUnheard() {},
        onClosed(refusal: Refusal) {
          // The probe of the modern era is unknown to old servers, some of which end over it.
          if (era === 'modern') resolve('no')
          else if (!answered) reject(refusal)
        },
      },
      [],
    )
    channel.send(questionFor(era, self), { headers: [], id: 0 })
    return promise.finally(() => {
      clearTimeout(timer)
      void channel.close()
    })
  }
}
