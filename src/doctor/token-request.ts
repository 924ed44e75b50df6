import type { OAuthClient, ServerFacts, Visit } from './contract.ts'
import { jsonOf, type Reply } from './reply.ts'

/** A client, as far as the token endpoint needs to know it. */
export type TokenClient = Pick<OAuthClient, 'id' | 'secret' | 'authMethod'>

/** Posts to the token endpoint as this client, with its secret if it has one (RFC 6749 section 2.3.1). */
export async function tokenRequest(
  { ask, report }: Visit,
  server: Pick<ServerFacts, 'tokenEndpoint' | 'authMethods'>,
  { client, form }: { client: TokenClient; form: Readonly<Record<string, string>> },
): Promise<Reply> {
  const { id, secret = '' } = client
  const method = authMethodOf(client, server.authMethods)
  const pair = [id, secret].map((part) => encodeURIComponent(part)).join(':')
  const basic = Buffer.from(pair).toString('base64')
  if (client.secret !== undefined) {
    report.hide(secret)
    report.hide(basic)
  }
  const reply = await ask(server.tokenEndpoint, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      ...(method === 'client_secret_basic' ? { authorization: `Basic ${basic}` } : {}),
    },
    form: {
      ...form,
      ...(method === 'client_secret_basic' ? {} : { client_id: id }),
      ...(method === 'client_secret_post' ? { client_secret: secret } : {}),
    },
  })
  const body = jsonOf(reply)
  for (const member of ['access_token', 'refresh_token', 'id_token']) {
    const token = body?.[member]
    if (typeof token === 'string') report.hide(token)
  }
  return reply
}

/** The ways that the official SDKs know, in their order of preference. */
const authMethods = ['client_secret_basic', 'client_secret_post', 'none']

/**
 * How the official SDKs let a client authenticate: as it was registered, if that is supported, or else in the
 * best way that is. Without the member in the metadata, that is HTTP Basic (RFC 8414 section 2).
 */
function authMethodOf({ secret, authMethod = '' }: TokenClient, supported: readonly string[]): string {
  if (secret === undefined) return 'none'
  const isSupported = (method: string): boolean => supported.length === 0 || supported.includes(method)
  if (authMethods.includes(authMethod) && isSupported(authMethod)) return authMethod
  return authMethods.find(isSupported) ?? 'client_secret_post'
}

/** A text member of an answer. */
export function textOf(reply: Reply, member: string): string | undefined {
  const value = jsonOf(reply)?.[member]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The `aud` of a token that is a JWT; undefined for an opaque one. Nothing is verified. */
export function audienceOf(token: string): readonly string[] | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const claims = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString()) as { aud?: unknown }
    return [claims.aud ?? []].flat().map(String)
  } catch {
    return undefined // not a JWT after all
  }
}
