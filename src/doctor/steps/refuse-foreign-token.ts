import { canonicalResource } from '../../core/resource.ts'
import type { OAuthClient, ServerFacts, Tokens, Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { describe } from '../reply.ts'
import { audienceOf, textOf, tokenRequest } from '../token-request.ts'

/**
 * Tries to get a token for another resource, and to use it here. Most authorization servers know no other resource
 * and say so; that is right, and proves nothing about the MCP server.
 */
export async function refuseForeignToken(
  visit: Visit,
  { server, client }: { server: ServerFacts; client: Pick<OAuthClient, 'id' | 'secret'> },
  { refreshToken }: Partial<Tokens>,
): Promise<void> {
  const { report, ask, endpoint, revision } = visit
  const other = `${endpoint.origin}/portcullis-doctor/another-resource`
  const grant =
    refreshToken === undefined
      ? { grant_type: 'client_credentials' }
      : { grant_type: 'refresh_token', refresh_token: refreshToken }
  const reply = await tokenRequest(visit, server.tokenEndpoint, {
    client,
    form: { ...grant, resource: other },
  })
  const token = textOf(reply, 'access_token')
  if (token === undefined)
    return report.skip('token-foreign', `no token for another resource is to be had: ${describe(reply)}`)
  const audience = audienceOf(token)
  const isOurs =
    audience?.some((value) => canonicalResource(value) === canonicalResource(endpoint.href)) === true
  if (isOurs) {
    return report.warn(
      'token-foreign',
      'asked for a token for another resource, the authorization server gave one for this MCP server',
      'Answer a `resource` that you do not know with the error invalid_target (RFC 8707 section 2).',
    )
  }
  const call = await ask(endpoint.href, openingCall(revision, { token }))
  if (call.status === 401) return report.pass('token-foreign')
  const named =
    audience === undefined
      ? 'that was made for another resource'
      : `with the audience ${audience.join(', ') || '(none)'}`
  report.fail('token-foreign', `with a token ${named} the MCP server answers ${describe(call)}`)
}
