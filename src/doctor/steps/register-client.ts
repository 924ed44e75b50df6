import type { OAuthClient, ResourceFacts, ServerFacts, Visit } from '../contract.ts'
import { redirectUrisOf } from '../profiles.ts'
import { registeredClient } from '../registered-client.ts'
import { describe, jsonOf, type Reply, textsIn } from '../reply.ts'

interface RegistrationPorts {
  readonly server: ServerFacts
  readonly resource: ResourceFacts
  /** Where the client listens for its answer. */
  readonly redirectUri: string
  /** Its port, if it was chosen just now. */
  readonly port?: number
  /** Which ways the client may use: its own, unless the user said otherwise. */
  readonly ways: readonly ('document' | 'dynamic')[]
}

/**
 * Gets a client id as the client would: a known one, its metadata document, or dynamic registration
 * (RFC 7591). Returns undefined if none is possible.
 */
export async function registerClient(
  visit: Visit,
  ports: RegistrationPorts,
): Promise<OAuthClient | undefined> {
  const { profile, report } = visit
  const { server, redirectUri } = ports
  if (visit.client !== undefined) {
    report.pass('registration-way', 'a client id was given')
    return { ...visit.client, redirectUri }
  }
  for (const way of ports.ways) {
    if (way === 'document' && server.takesDocuments && profile.documentUrl !== undefined) {
      report.pass('registration-way', `its metadata document, ${profile.documentUrl}`)
      report.skip('register', 'the client has a metadata document and registers nowhere')
      report.skip('register-answer', 'the client has a metadata document and registers nowhere')
      return { id: profile.documentUrl, redirectUri }
    }
    if (way === 'dynamic' && server.registrationEndpoint !== undefined) {
      report.pass('registration-way', 'dynamic registration')
      return register(visit, { ...ports, endpoint: server.registrationEndpoint })
    }
  }
  const ways = ports.ways.map((way) => (way === 'document' ? 'a metadata document' : 'dynamic registration'))
  report.fail(
    'registration-way',
    `the metadata offers neither of what this client can do: ${ways.join(', ')}`,
  )
  return undefined
}

async function register(
  visit: Visit,
  { endpoint, resource, redirectUri, port }: RegistrationPorts & { readonly endpoint: string },
): Promise<OAuthClient | undefined> {
  const { profile, report, ask } = visit
  const metadata = {
    redirect_uris: redirectUrisOf(profile, port),
    ...profile.metadata,
    ...(resource.scopes.length === 0 ? {} : { scope: resource.scopes.join(' ') }),
  }
  const reply = await ask(endpoint, {
    method: 'POST',
    headers: { accept: 'application/json' },
    json: metadata,
  })
  const client = registeredClient(reply, redirectUri, report)
  if (client === undefined) {
    report.fail('register', ...refusal(reply, metadata.redirect_uris))
    return undefined
  }
  if (reply.status === 201) report.pass('register')
  else
    report.warn(
      'register',
      `it answers ${reply.status} instead of 201`,
      'Answer 201: some clients accept nothing else.',
    )
  judgeAnswer(visit, jsonOf(reply) ?? {}, metadata.redirect_uris)
  return client
}

function refusal(reply: Reply, redirectUris: readonly string[]): [string, string?] {
  const cause = `${reply.url} answers ${describe(reply)}`
  if (reply.status === 404 || reply.status === 405) {
    return [
      `${cause}, although the metadata names it`,
      'Serve the endpoint that `registration_endpoint` names, or remove that member.',
    ]
  }
  if (reply.status === 401 || reply.status === 403) {
    return [
      cause,
      'Let clients register without a token, or remove `registration_endpoint` and hand out client ids.',
    ]
  }
  const own = redirectUris.filter((uri) => !/^https?:/.test(uri))
  return own.length > 0 && reply.status === 400
    ? [
        `${cause}; among its redirect URIs is ${own.join(', ')}`,
        `Allow exactly ${own.join(', ')} if you want to serve this client; all of its URIs come in one registration.`,
      ]
    : [cause]
}

function judgeAnswer(
  { profile, report }: Visit,
  body: Readonly<Record<string, unknown>>,
  sent: readonly string[],
): void {
  const asked = profile.metadata['token_endpoint_auth_method']
  const method = body['token_endpoint_auth_method']
  const kept = textsIn(body['redirect_uris'])
  const problems = [
    ...(method !== undefined && method !== asked
      ? [`token_endpoint_auth_method became ${JSON.stringify(method)}`]
      : []),
    ...(typeof body['client_secret'] === 'string' ? ['a secret was issued that was not asked for'] : []),
    ...(body['redirect_uris'] !== undefined && sent.some((uri) => !kept.includes(uri))
      ? ['redirect_uris came back changed']
      : []),
  ]
  if (problems.length === 0) report.pass('register-answer')
  else report.warn('register-answer', problems.join('; '))
}
