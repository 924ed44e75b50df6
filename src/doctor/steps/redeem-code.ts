import type { OAuthClient, ResourceFacts, ServerFacts, Tokens, Visit } from '../contract.ts'
import { describe, isSuccess, type Reply } from '../reply.ts'
import { textOf, tokenRequest } from '../token-request.ts'
import { judgeTokens } from './judge-tokens.ts'

interface RedeemPorts {
  readonly server: ServerFacts
  readonly resource: ResourceFacts
  readonly client: OAuthClient
  readonly code: string
  readonly verifier: string
}

/** Exchanges the code (RFC 6749 section 4.1.3). Returns undefined if there was no access token. */
export async function redeemCode(visit: Visit, ports: RedeemPorts): Promise<Tokens | undefined> {
  const { report } = visit
  const reply = await redeem(visit, ports)
  const accessToken = textOf(reply, 'access_token')
  const type = textOf(reply, 'token_type') ?? ''
  if (reply.status !== 200 || accessToken === undefined) {
    report.fail('token-code', `the token endpoint answers ${describe(reply)}`)
    return undefined
  }
  if (type.toLowerCase() === 'bearer') report.pass('token-code')
  else
    report.fail(
      'token-code',
      `token_type is ${type === '' ? 'missing' : type}, but this client knows only Bearer`,
    )
  judgeTokens(visit, reply, accessToken, ports.resource)
  const refreshToken = textOf(reply, 'refresh_token')
  return { accessToken, ...(refreshToken === undefined ? {} : { refreshToken }) }
}

/** Tries the same code again. Done last, because a good server then ends the whole grant. */
export async function redeemTwice(visit: Visit, ports: RedeemPorts): Promise<void> {
  const { report } = visit
  const reply = await redeem(visit, ports)
  const cause = `the second time, the token endpoint answers ${describe(reply)}`
  if (reply.status >= 400 && reply.status < 500) report.pass('code-once', describe(reply))
  else if (isSuccess(reply)) report.fail('code-once', cause)
  else report.warn('code-once', cause)
}

function redeem(visit: Visit, { server, resource, client, code, verifier }: RedeemPorts): Promise<Reply> {
  const form = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
    ...(visit.profile.sendsResource ? { resource: resource.resource } : {}),
  }
  return tokenRequest(visit, server, { client, form })
}
