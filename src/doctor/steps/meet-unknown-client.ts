import type { ServerFacts, Visit } from '../contract.ts'
import { describe, isSuccess, jsonOf } from '../reply.ts'

/**
 * Sends a request with an unknown client id to the token endpoint: clients register again on invalid_client.
 */
export async function meetUnknownClient(
  { ask, report }: Visit,
  { tokenEndpoint }: ServerFacts,
): Promise<void> {
  const form = {
    grant_type: 'refresh_token',
    refresh_token: 'portcullis-doctor-made-this-up',
    client_id: 'portcullis-doctor-unknown-client',
  }
  const reply = await ask(tokenEndpoint, { method: 'POST', headers: { accept: 'application/json' }, form })
  const error = jsonOf(reply)?.['error']
  if (reply.status === 401 && error === 'invalid_client') return report.pass('client-unknown')
  if (isSuccess(reply)) return report.fail('client-unknown', 'it gave tokens to a client that does not exist')
  report.warn('client-unknown', `it answers ${describe(reply)}`)
}
