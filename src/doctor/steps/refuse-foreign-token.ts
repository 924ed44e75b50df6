import { checkOf } from '../checks.ts'
import type { ServerFacts, Tokens, Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { describe } from '../reply.ts'
import { audienceOf, type TokenClient, textOf, tokenRequest } from '../token-request.ts'

const targetAdvice =
  'Answer a `resource` that you do not know with the error invalid_target (RFC 8707 section 2).'

interface ForeignPorts {
  readonly server: ServerFacts
  readonly client: TokenClient
  readonly tokens: Tokens
}

/**
 * Tries to get a token for another resource, and to use it here. Most authorization servers know no other
 * resource and say so; that is right, and proves nothing about the MCP server.
 */
export async function refuseForeignToken(
  visit: Visit,
  { server, client, tokens }: ForeignPorts,
): Promise<void> {
  const { report, endpoint } = visit
  const other = `${endpoint.origin}/portcullis-doctor/another-resource`
  const grant =
    tokens.refreshToken === undefined
      ? { grant_type: 'client_credentials' }
      : { grant_type: 'refresh_token', refresh_token: tokens.refreshToken }
  const reply = await tokenRequest(visit, server, {
    client,
    form: { ...grant, resource: other },
  })
  const token = textOf(reply, 'access_token')
  if (token === undefined) {
    return report.skip('token-foreign', `no token for another resource could be had: ${describe(reply)}`)
  }
  const [audience, usual] = [audienceOf(token), audienceOf(tokens.accessToken)]
  if (audience !== undefined && audience.length > 0 && String(audience) === String(usual)) {
    return report.warn(
      'token-foreign',
      'when asked for a token for another resource, the authorization server gave one for this MCP server',
      targetAdvice,
    )
  }
  const call = await visit.ask(endpoint.href, openingCall(visit.revision, { token }))
  if (call.status === 401) return report.pass('token-foreign')
  if (call.status === 0) return report.skip('token-foreign', describe(call))
  if (audience === undefined) {
    return report.warn(
      'token-foreign',
      `a token that was requested for another resource opens this one: ${describe(call)}. It is opaque, so doctor cannot tell which server is at fault`,
      `${targetAdvice} ${checkOf('token-foreign').fix}`,
    )
  }
  const named = audience.join(', ') || '(none)'
  report.fail(
    'token-foreign',
    `with a token with the audience ${named} the MCP server answers ${describe(call)}`,
  )
}

/** Sends a token that, according to the user, is for another resource. */
export async function refuseGivenToken(
  { ask, endpoint, report, revision }: Visit,
  token: string,
): Promise<void> {
  const call = await ask(endpoint.href, openingCall(revision, { token }))
  if (call.status === 401) report.pass('token-foreign')
  else if (call.status === 0) report.skip('token-foreign', describe(call))
  else
    report.fail(
      'token-foreign',
      `with the token for another resource the MCP server answers ${describe(call)}`,
    )
}
