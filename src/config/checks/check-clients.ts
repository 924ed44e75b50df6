import { publicKeysProblem } from '../../core/public-keys.ts'
import { isPrivateUseRedirect, redirectProblem } from '../../core/redirect-uri.ts'
import { isUserId, userIdPrefix } from '../../core/user-id.ts'
import { problem, type RuleProblem, within } from '../problems.ts'
import { authenticatedGrantTypes } from '../schema/client-schema.ts'
import type { ParsedConfig } from '../schema.ts'
import { duplicates } from './duplicates.ts'

/** The rules for preconfigured clients: unique ids, and what their grants need. */
export function checkClients(
  clients: ParsedConfig['clients'],
  privateUse: readonly string[] = [],
): RuleProblem[] {
  const takenIds = duplicates(clients.map(({ id }) => id))
  return clients.flatMap((client, index) => {
    const problems: RuleProblem[] = []
    if (isUserId(client.id)) {
      problems.push(problem(['id'], `must not begin with ${userIdPrefix}, which marks people`))
    }
    if (takenIds.has(index)) {
      problems.push(problem(['id'], `"${client.id}" is taken by an earlier client`))
    }
    if (client.secret !== undefined && client.jwks !== undefined) {
      problems.push(problem(['jwks'], 'is an alternative to secret: give one of them'))
    }
    const authenticated = client.grantTypes.find((type) => authenticatedGrantTypes.has(type))
    if (authenticated !== undefined && client.secret === undefined && client.jwks === undefined) {
      const message = `is missing: a client with ${authenticated} must prove who it is, so give it a secret, or jwks`
      problems.push(problem(['secret'], message))
    }
    if (client.grantTypes.includes('client_credentials') && (client.scopes ?? []).length === 0) {
      const message =
        'is missing: with client_credentials no user is asked what the client may do, so say it here, such as [mcp:tools:read]'
      problems.push(problem(['scopes'], message))
    }
    const wrongKeys = client.jwks === undefined ? undefined : publicKeysProblem(client.jwks)
    if (wrongKeys !== undefined) problems.push(problem(['jwks'], wrongKeys))
    if (client.grantTypes.includes('authorization_code') && client.redirectUris.length === 0) {
      const message =
        'is missing: with authorization_code users are sent back to the client, so say where, such as [https://app.example.com/callback]'
      problems.push(problem(['redirectUris'], message))
    }
    for (const [position, uri] of client.redirectUris.entries()) {
      const wrong = redirectProblem(uri, privateUse)
      if (wrong !== undefined) problems.push(problem(['redirectUris', position], wrong))
    }
    return within(['clients', index], problems)
  })
}

/** The rules for how clients register themselves. */
export function checkRegistration({ registration }: Partial<ParsedConfig>): RuleProblem[] {
  if (registration === undefined) return []
  const { dynamic, initialAccessToken, privateUseRedirects, documents } = registration
  const problems = privateUseRedirects.flatMap((uri, index) => {
    const message = 'must be a URI with a scheme of its own that runs nothing, such as app://host/callback'
    const at = ['registration', 'privateUseRedirects', index]
    return isPrivateUseRedirect(uri) ? [] : [problem(at, message)]
  })
  if (documents.enabled && documents.allowedHosts?.length === 0) {
    const hosts = ['registration', 'documents', 'allowedHosts']
    const message = 'must name a host; to accept no documents, set enabled: false, which clients are told'
    problems.push(problem(hosts, message, hosts))
  }
  const at = ['registration', 'initialAccessToken']
  if (dynamic === 'token' && initialAccessToken === undefined)
    problems.push(problem(at, 'must be set when dynamic is token'))
  if (dynamic === 'open' && initialAccessToken !== undefined) {
    const message =
      'is asked of nobody while dynamic is open: set registration.dynamic: token, or take this away'
    problems.push(problem(at, message))
  }
  return problems
}
