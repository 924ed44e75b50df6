import { parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { type CallOptions, call, sessionHeaders } from '../mcp-request.ts'
import { describe, type Reply } from '../reply.ts'

/**
 * Makes a call that the token may not cover, then ends the session. Comes after the refresh, because a server
 * may answer a refresh that follows a challenge differently.
 */
export async function askForMore(visit: Visit, options: CallOptions): Promise<void> {
  const { ask, endpoint, revision } = visit
  // No tool has this name, so the call cannot cause anything.
  const params = { name: 'portcullis-doctor-no-such-tool', arguments: {} }
  judge(visit, await ask(endpoint.href, call(revision, 'tools/call', params, options)))
  if (options.session === undefined) return
  await ask(endpoint.href, { method: 'DELETE', headers: sessionHeaders(options) })
}

/** Judges the refusal of a call beyond the scopes (RFC 6750 section 3.1), if that is why it was refused. */
function judge({ report }: Visit, reply: Reply): void {
  if (reply.status === 401) {
    return report.fail(
      'step-up',
      'a call that the token does not cover gets 401: clients sign in again and again, with the same scopes',
    )
  }
  if (reply.status !== 403)
    return report.skip('step-up', `the call was not refused for lack of a scope: ${describe(reply)}`)
  const challenge = parseBearerChallenge(reply.headers['www-authenticate'])
  if (challenge === undefined) return report.fail('step-up', 'the 403 has no Bearer challenge')
  if (challenge.get('error') !== 'insufficient_scope') {
    return report.fail(
      'step-up',
      `the 403 says error="${challenge.get('error') ?? ''}" instead of insufficient_scope`,
    )
  }
  const missing = ['scope', 'resource_metadata'].filter((name) => !challenge.has(name))
  if (missing.length > 0) report.warn('step-up', `the challenge lacks ${missing.join(' and ')}`)
  else report.pass('step-up', `asks for ${challenge.get('scope') ?? ''}`)
}
