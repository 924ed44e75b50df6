import { Refusal } from '../../core/errors.ts'
import type { UpstreamRequest } from '../contract.ts'
import { ask } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, type Json } from '../conversation/json-rpc.ts'
import type { Successors } from './successors.ts'

/** How a session goes on of which this process holds no conversation: it was idle, crashed, or held before a restart. */
export interface LostSessions {
  /** Told of each request in a session, before anything else is done with it. */
  note(session: string, request: UpstreamRequest): Promise<void> | undefined
  /** Whether a request may be the first one in a new conversation. */
  mayBegin(request: UpstreamRequest): boolean
  /** Whether nothing speaks against one for this session. */
  mayGoOn(session: string, request: UpstreamRequest): Promise<boolean>
  /** Brings a new conversation to where the old one was. Throws `session_unknown` where it cannot be. */
  restore(conversation: Conversation, request: UpstreamRequest, caller: Caller): Promise<void>
}

/** Nothing that cannot be lost was kept, so that any request can begin anew. */
export const revivedSessions: LostSessions = {
  note: () => undefined,
  mayBegin: () => true,
  mayGoOn: async () => true,
  restore: async () => {},
}

/**
 * The server is told again what the client told it first. The session keeps its id, so only that nothing may take its
 * place is written down, for all replicas. A stream is begun again as a request is, since in it nothing is repeated.
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
