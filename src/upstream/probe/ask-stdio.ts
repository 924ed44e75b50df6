import { Refusal } from '../../core/errors.ts'
import type { Channel, OpenChannel } from '../conversation/channel.ts'
import { confirms, type Implementation, questionFor } from './questions.ts'
import type { AskServer, Speaks } from './verdicts.ts'

interface AskStdioOptions {
  readonly open: OpenChannel
  readonly self: Implementation
  readonly timeoutSeconds: number
  /** Whether only a server of the modern era is acceptable, so that silence is not an answer. */
  readonly modernOnly: boolean
}

/** Asks a stdio server, and can be told to stop asking. */
export interface StdioProbe {
  readonly ask: AskServer
  close(): Promise<void>
}

/** A legacy server may not respond to `server/discover` at all. */
const patienceSeconds = 15

/**
 * Asks a stdio server in a separate process, which ends with the question, since a server that was asked in
 * the wrong era may be unable to go on. `timeoutSeconds` is for the question that every server answers, so that
 * nothing more is to be learnt from one that is silent then. A server that spoke the era before is not taken to
 * have lost it if it is silent or ends: it is slow, or down.
 */
export function stdioProbe({ open, self, timeoutSeconds, modernOnly }: AskStdioOptions): StdioProbe {
  const asking = new Set<Channel>()
  return {
    async ask(era, _headers, before) {
      const { promise, resolve, reject } = Promise.withResolvers<Speaks>()
      const seconds = era === 'modern' ? Math.min(patienceSeconds, timeoutSeconds) : timeoutSeconds
      const giveUp = (refusal: Refusal): void =>
        before === 'native' || modernOnly ? reject(refusal) : resolve('no')
      const silent = new Refusal('upstream_timeout', { reason: 'no answer to the probe' })
      const conclude = era === 'modern' ? giveUp : reject
      const timer = setTimeout(() => conclude(silent), seconds * 1000).unref()
      const channel = open(
        {
          onMessage(message) {
            if (message['method'] === undefined) resolve(confirms(era, message) ? 'native' : 'no')
          },
          onFailure: (_id, refusal) => reject(refusal),
          onUnheard() {},
          onClosed(refusal) {
            // Some old servers exit when they get an unknown request.
            if (era === 'modern') giveUp(refusal)
            else reject(refusal)
          },
        },
        [],
      )
      asking.add(channel)
      try {
        channel.send(questionFor(era, self), { headers: [], id: 0 })
        return await promise
      } finally {
        clearTimeout(timer)
        // The next process may need what only one can have, such as a port.
        await channel.close().finally(() => asking.delete(channel))
      }
    },
    close: async () => void (await Promise.all([...asking].map((channel) => channel.close()))),
  }
}
