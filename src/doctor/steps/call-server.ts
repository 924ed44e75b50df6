import { eraOf } from '../../mcp/revisions.ts'
import type { Visit } from '../contract.ts'
import {
  type CallOptions,
  call,
  errorOf,
  initializedNotification,
  openingCall,
  resultOf,
} from '../mcp-request.ts'
import { describe, type Reply } from '../reply.ts'

/** For answers that tell of a server that is away, and not of the token. */
const awayAdvice =
  'Look in the log of the server, and in that of a gateway or proxy in front of it, for why there is no answer: a wrong token would get 401.'
const away: ReadonlySet<number> = new Set([0, 502, 503, 504])

/**
 * Calls the MCP server as the client does after it has a token. Returns how to continue, or undefined if that
 * is not possible.
 */
export async function callServer(visit: Visit, token: string): Promise<CallOptions | undefined> {
  const { ask, endpoint, revision, report } = visit
  const opening = await ask(endpoint.href, openingCall(revision, { token }))
  const result = resultOf(opening)
  if (result === undefined) {
    report.fail('call-open', `with the token the MCP server answers ${seen(opening)}`, adviceFor(opening))
    return undefined
  }
  const isLegacy = eraOf(revision) === 'legacy'
  const agreed = typeof result['protocolVersion'] === 'string' ? result['protocolVersion'] : revision
  report.pass('call-open', isLegacy ? `initialize, ${agreed}` : `server/discover, ${revision}`)
  const session = opening.headers['mcp-session-id']
  const options = { token, ...(isLegacy ? { agreed } : {}), ...(session === undefined ? {} : { session }) }
  if (isLegacy) await ask(endpoint.href, initializedNotification(options))

  const list = await ask(endpoint.href, call(revision, 'tools/list', {}, options))
  const tools = resultOf(list)?.['tools']
  if (Array.isArray(tools)) report.pass('call-tools', `${tools.length} tools`)
  else if (errorOf(list)?.['code'] === -32601) report.skip('call-tools', 'the server has no tools')
  else report.fail('call-tools', `tools/list answers ${seen(list)}`, adviceFor(list))

  return options
}

function adviceFor({ status }: Reply): string | undefined {
  return away.has(status) ? awayAdvice : undefined
}

function seen(reply: Reply): string {
  const error = errorOf(reply)
  return error === undefined
    ? describe(reply)
    : `${reply.status}, JSON-RPC error ${String(error['code'])} ${String(error['message'])}`
}
