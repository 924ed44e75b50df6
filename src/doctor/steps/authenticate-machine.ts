import type { ResourceFacts, ServerFacts, Tokens, Visit } from '../contract.ts'
import { describe } from '../reply.ts'
import { textOf, tokenRequest } from '../token-request.ts'
import { judgeTokens } from './judge-tokens.ts'

/** Gets a token for a machine (RFC 6749 section 4.4). Returns undefined if there was none. */
export async function authenticateMachine(
  visit: Visit,
  { server, resource }: { server: ServerFacts; resource: ResourceFacts },
  client: { readonly id: string; readonly secret: string },
): Promise<Tokens | undefined> {
  const form = { grant_type: 'client_credentials', resource: resource.resource }
  const reply = await tokenRequest(visit, server, { client, form })
  const accessToken = textOf(reply, 'access_token')
  if (reply.status !== 200 || accessToken === undefined) {
    visit.report.fail('token-machine', `the token endpoint answers ${describe(reply)}`)
    return undefined
  }
  visit.report.pass('token-machine')
  judgeTokens(visit, reply, accessToken, resource)
  return { accessToken }
}
