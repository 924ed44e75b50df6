import type { ServerResponse } from 'node:http'
import type { Principal } from '../core/principal.ts'
import { endStream } from '../http/end-stream.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Authorized } from './authorize.ts'
import { hearsMore } from './rewrites/withhold-news.ts'

/** The streams on which clients of the legacy era hear of changes, the latest of each session. */
export interface Listeners {
  /**
   * Notes an authorized request of a session. If its token may hear of more than the one with which the stream was
   * opened, the stream ends. Its client opens another one, with the token that it has by now, and hears of what it
   * has subscribed to since.
   */
  note(allowed: Authorized, exchange: Exchange): void
}

interface Listener {
  readonly principal: Principal
  readonly res: ServerResponse
}

/** Opens it, for the streams of this process. */
export function openListeners(): Listeners {
  const listeners = new Map<string, Listener>()
  const listen = (session: string, listener: Listener): void => {
    if (listener.res.closed) return // its client has left meanwhile, and nothing will say so again
    listeners.set(session, listener)
    listener.res.once('close', () => {
      if (listeners.get(session) === listener) listeners.delete(session)
    })
  }
  return {
    note({ principal, upstream, call }, { head: { sessionId: session }, res }) {
      if (call.era !== 'legacy' || session === undefined) return
      if (call.verb === 'GET') return listen(session, { principal, res })
      const listener = listeners.size === 0 ? undefined : listeners.get(session)
      if (listener === undefined || listener.principal === principal || !listener.res.headersSent) return
      if (hearsMore(principal, listener.principal, upstream)) endStream(listener.res)
    },
  }
}
