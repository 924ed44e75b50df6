import type { OAuthClient, ResourceFacts, ServerFacts, Tokens, Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { describe } from '../reply.ts'
import { textOf, tokenRequest } from '../token-request.ts'

/**
 * Refreshes as the client does when its token has expired (RFC 6749 section 6). Returns the tokens that are
 * valid from then on.
 */
export async function refreshTokens(
  visit: Visit,
  { server, resource, client }: { server: ServerFacts; resource: ResourceFacts; client: OAuthClient },
  tokens: Tokens,
): Promise<Tokens> {
  const { report, profile, endpoint, ask } = visit
  if (tokens.refreshToken === undefined) {
    report.warn(
      'refresh',
      'no refresh token came, so users sign in again whenever the access token expires',
      'Issue a refresh token to clients that register the grant type refresh_token, whether or not they ask for offline_access.',
    )
    return tokens
  }
  const form = {
    grant_type: 'refresh_token',
    refresh_token: tokens.refreshToken,
    ...(profile.sendsResource ? { resource: resource.resource } : {}),
  }
  const reply = await tokenRequest(visit, server, { client, form })
  const accessToken = textOf(reply, 'access_token')
  if (reply.status !== 200 || accessToken === undefined) {
    report.fail(
      'refresh',
      `the token endpoint answers ${describe(reply)}: users sign in again whenever the access token expires`,
    )
    return tokens
  }
  const call = await ask(endpoint.href, openingCall(visit.revision, { token: accessToken }))
  if (call.status === 200) report.pass('refresh')
  else
    report.fail('refresh', `it gives an access token, but with it the MCP server answers ${describe(call)}`)
  const refreshToken = textOf(reply, 'refresh_token')
  const isReplaced = refreshToken !== undefined && refreshToken !== tokens.refreshToken
  if (isReplaced) report.pass('refresh-rotation')
  else if (client.secret !== undefined)
    report.skip('refresh-rotation', 'the client has a secret, which protects its refresh token')
  else report.fail('refresh-rotation', 'the same refresh token keeps working for a client without a secret')
  return { accessToken, refreshToken: refreshToken ?? tokens.refreshToken }
}
