import { Refusal } from '../../core/errors.ts'
import type { UpstreamRequest } from '../contract.ts'
import { ask } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, type Json } from '../conversation/json-rpc.ts'
import type { Successors } from './successors.ts'

/**
 * How to continue a session whose conversation this process does not hold, because it was idle, crashed, or
 * was held before a restart.
 */
export interface LostSessions {
  /** Called with each request in a session, before anything else is done with it. */
  note(session: string, request: UpstreamRequest): Promise<void> | undefined
  /** Whether a request may be the first one in a new conversation. */
  mayBegin(request: UpstreamRequest): boolean
  /** Whether a new conversation is allowed for this session. */
  mayGoOn(session: string, request: UpstreamRequest): Promise<boolean>
  /**
   * Brings a new conversation to the state of the old one. Throws `session_unknown` if that is impossible.
   */
  restore(conversation: Conversation, request: UpstreamRequest, caller: Caller): Promise<void>
}

/**
 * Repeats to the server what the client told it first. The session keeps its id, so the only thing recorded,
 * for all replicas, is that nothing may replace it. A stream can be opened again like a request, since
 * nothing in it is repeated.
 */
export function replayedSessions(successors: Successors): LostSessions {
  return {
    note(session, { principal, renewal }) {
      if (renewal?.by !== 'nothing') return undefined
      return successors.settle({ principal, session }, 'none', renewal.until).then(() => {})
    },
    mayBegin: ({ renewal, method }) =>
      renewal?.by === 'repeating' || (renewal?.by === 'following' && method === 'GET'),
    mayGoOn: async (session, { principal }) => (await successors.find({ principal, session })) === undefined,
    async restore(conversation, { renewal }, caller) {
      if (renewal === undefined) throw new Refusal('session_unknown')
      const { initialize, revision } = renewal
      const params = JSON.parse(initialize) as Json
      const answer = await ask(conversation, callOf('initialize', params, 'initialize'), caller)
      if (asObject(answer['result'])?.['protocolVersion'] !== revision) {
        throw new Refusal('session_unknown', { reason: 'the server does not go on as it began' })
      }
      conversation.tell(callOf('notifications/initialized', undefined), caller)
    },
  }
}

/**
 * Where the server knows no sessions, any request can start afresh, at any replica: nothing was kept that must not be
 * lost. Only a session that its client has ended is over.
 */
export function revivedSessions(successors: Successors): LostSessions {
  return {
    note(session, { method, principal, renewal }) {
      if (method !== 'DELETE' || renewal === undefined) return undefined
      return successors.settle({ principal, session }, 'none', renewal.until).then((isFirst) => {
        if (!isFirst) throw new Refusal('session_unknown')
      })
    },
    mayBegin: () => true,
    // A DELETE that came so far has just been noted itself.
    mayGoOn: async (session, { method, principal }) =>
      method === 'DELETE' || (await successors.find({ principal, session })) === undefined,
    restore: async () => {},
  }
}
