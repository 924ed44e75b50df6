import type { Dispatcher } from 'undici'
import { idKey } from '../../mcp/lossless.ts'
import { refusalForStatus } from '../conversation/http-status.ts'
import { asObject, callOf, type Json } from '../conversation/json-rpc.ts'
import { asRefusal } from '../conversation/read-messages.ts'
import { readAnswer } from './read-answer.ts'
import { newPlace } from './read-stream.ts'
import { type LegacySession, messageHeaders, sessionHeaders } from './request-headers.ts'

/** Where a Streamable HTTP server is. */
export interface SessionTarget {
  readonly dispatcher: Dispatcher
  readonly url: string
  /** How long opening a session, or ending it, may take. */
  readonly responseSeconds: number
}

/** A session that a legacy server has opened. */
interface OpenedSession {
  readonly id: string
  readonly revision: string
}

const initializeId = 0

/**
 * Opens a session as a client would, with the params of its `initialize`. Undefined if the server opens none
 * with an id. Throws a Refusal if it cannot be reached or does not accept the gateway.
 */
export async function openSession(
  { dispatcher, url, responseSeconds }: SessionTarget,
  params: Json,
  own: readonly string[],
): Promise<OpenedSession | undefined> {
  const { origin, pathname, search } = new URL(url)
  const signal = AbortSignal.timeout(responseSeconds * 1000)
  const post = (message: Json, session: LegacySession): Promise<Dispatcher.ResponseData> => {
    const headers = [...own, ...messageHeaders(message, 'legacy', session)]
    const body = JSON.stringify(message)
    return dispatcher.request({ origin, path: pathname + search, method: 'POST', headers, body, signal })
  }
  try {
    const answer = await post(callOf('initialize', params, initializeId), {
      id: undefined,
      revision: undefined,
    })
    const revision = await revisionIn(answer)
    const id = answer.headers['mcp-session-id']
    if (revision === undefined || typeof id !== 'string') return undefined
    const { body } = await post(callOf('notifications/initialized', undefined), { id, revision })
    await body.dump()
    return { id, revision }
  } catch (error) {
    throw asRefusal(error)
  }
}

/**
 * Ends a session that nobody needs. It does not matter whether that succeeds: the server forgets it in time.
 */
export async function endSession(
  { dispatcher, url, responseSeconds }: SessionTarget,
  session: LegacySession,
  own: readonly string[],
): Promise<void> {
  const { origin, pathname, search } = new URL(url)
  const signal = AbortSignal.timeout(responseSeconds * 1000)
  const headers = [...own, ...sessionHeaders(session)]
  const path = pathname + search
  try {
    await (await dispatcher.request({ origin, path, method: 'DELETE', headers, signal })).body.dump()
  } catch {
    // A server that cannot be reached loses it in other ways.
  }
}

async function revisionIn(answer: Dispatcher.ResponseData): Promise<string | undefined> {
  const { statusCode, headers, body } = answer
  if (statusCode >= 400 && statusCode < 500 && refusalForStatus(statusCode, headers) === undefined) {
    await body.dump()
    return undefined
  }
  for await (const message of readAnswer(answer, { id: initializeId, place: newPlace(), inSession: false })) {
    if (idKey(message['id']) !== initializeId) continue
    const revision = asObject(message['result'])?.['protocolVersion']
    return typeof revision === 'string' ? revision : undefined
  }
  return undefined
}
