import type { OAuthClient, Visit } from './contract.ts'
import { isSuccess, type Reply } from './reply.ts'
import { textOf } from './token-request.ts'

/**
 * The client in the answer of a registration endpoint (RFC 7591 section 3.2.1); undefined if there is none. Its
 * secret, which it uses even if it asked for none, is never shown.
 */
export function registeredClient(
  reply: Reply,
  redirectUri: string,
  report: Visit['report'],
): OAuthClient | undefined {
  const id = textOf(reply, 'client_id')
  if (!isSuccess(reply) || id === undefined) return undefined
  const [secret, authMethod] = [textOf(reply, 'client_secret'), textOf(reply, 'token_endpoint_auth_method')]
  if (secret !== undefined) report.hide(secret)
  return {
    id,
    redirectUri,
    ...(secret === undefined ? {} : { secret }),
    ...(authMethod === undefined ? {} : { authMethod }),
  }
}
