import type { ResourceFacts, ServerFacts, Tokens, Visit } from '../contract.ts'
import { describe, jsonOf } from '../reply.ts'
import { textOf, tokenRequest } from '../token-request.ts'
import { judgeTokens } from './judge-tokens.ts'

/** Gets a token for a machine (RFC 6749 section 4.4). Returns undefined if there was none. */
export async function authenticateMachine(
  visit: Visit,
  { server, resource }: { server: ServerFacts; resource: ResourceFacts },
  client: { readonly id: string; readonly secret: string },
): Promise<Tokens | undefined> {
  const form = { grant_type: 'client_credentials', resource: resource.resource }
  const unscoped = await tokenRequest(visit, server, { client, form })
  // A server may refuse a request that names no scope (RFC 6749 section 3.3). Clients know some from the challenge.
  const needsScope = jsonOf(unscoped)?.['error'] === 'invalid_scope' && resource.scopes.length > 0
  const reply = needsScope
    ? await tokenRequest(visit, server, { client, form: { ...form, scope: resource.scopes.join(' ') } })
    : unscoped
  const accessToken = textOf(reply, 'access_token')
  if (reply.status !== 200 || accessToken === undefined) {
    visit.report.fail('token-machine', `the token endpoint answers ${describe(reply)}`)
    return undefined
  }
  visit.report.pass('token-machine')
  judgeTokens(visit, reply, accessToken, resource)
  return { accessToken }
}
