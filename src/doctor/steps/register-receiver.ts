import type { OAuthClient, ResourceFacts, ServerFacts, Visit } from '../contract.ts'
import { registeredClient } from '../registered-client.ts'
import { describe } from '../reply.ts'

/**
 * Registers doctor itself, to receive the answer for a client whose answers go to a web site. Returns the
 * client, or why there is none.
 */
export async function registerReceiver(
  { ask, profile, report }: Visit,
  { server: { registrationEndpoint }, resource }: { server: ServerFacts; resource: ResourceFacts },
  port: number,
): Promise<OAuthClient | string> {
  const why = `the answers for ${profile.title} go to its website`
  if (registrationEndpoint === undefined) return `${why}, and no other client can register here`
  const redirectUri = `http://127.0.0.1:${port}/callback`
  const json = {
    client_name: 'portcullis doctor',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: 'native',
    ...(resource.scopes.length === 0 ? {} : { scope: resource.scopes.join(' ') }),
  }
  const reply = await ask(registrationEndpoint, { method: 'POST', json })
  return (
    registeredClient(reply, redirectUri, report) ??
    `${why}, and an attempt to register doctor got ${describe(reply)}`
  )
}
