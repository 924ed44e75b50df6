import { eraOf } from '../../mcp/revisions.ts'
import type { Visit } from '../contract.ts'
import {
  call,
  errorOf,
  initializedNotification,
  openingCall,
  resultOf,
  sessionHeaders,
} from '../mcp-request.ts'
import { describe, type Reply } from '../reply.ts'
import { judgeStepUp } from './judge-step-up.ts'

/** Calls the MCP server as the client does once it has a token: open, list tools, and ask for what may lack a scope. */
export async function callServer(visit: Visit, token: string): Promise<void> {
  const { ask, endpoint, revision, report } = visit
  const opening = await ask(endpoint.href, openingCall(revision, { token }))
  const result = resultOf(opening)
  if (result === undefined)
    return report.fail('call-open', `with the token the MCP server answers ${seen(opening)}`)
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
  else report.fail('call-tools', `tools/list answers ${seen(list)}`)

  // No tool has this name, so nothing can be set off by the call.
  const beyond = call(
    revision,
    'tools/call',
    { name: 'portcullis-doctor-no-such-tool', arguments: {} },
    options,
  )
  judgeStepUp(visit, await ask(endpoint.href, beyond))
  if (session !== undefined) await ask(endpoint.href, { method: 'DELETE', headers: sessionHeaders(options) })
}

function seen(reply: Reply): string {
  const error = errorOf(reply)
  return error === undefined
    ? describe(reply)
    : `${reply.status}, JSON-RPC error ${String(error['code'])} ${String(error['message'])}`
}
