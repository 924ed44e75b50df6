import { parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { describe } from '../reply.ts'

/** Comes with a token that nobody made: 401, with a challenge that makes the client sign in anew. */
export async function refuseForgedToken({ ask, endpoint, revision, report }: Visit): Promise<void> {
  const reply = await ask(endpoint.href, openingCall(revision, { token: 'portcullis-doctor-made-this-up' }))
  if (reply.status !== 401) {
    const letIn = reply.status >= 200 && reply.status < 300
    return report.fail(
      'token-forged',
      `it answers ${describe(reply)}${letIn ? ': any text is taken for a token' : ', which no client takes for a reason to sign in again'}`,
    )
  }
  report.pass('token-forged')
  const challenge = parseBearerChallenge(reply.headers['www-authenticate'])
  const lacks = [
    ...(challenge?.get('error') === 'invalid_token' ? [] : ['error="invalid_token"']),
    ...(challenge?.has('resource_metadata') === true ? [] : ['resource_metadata']),
  ]
  if (challenge === undefined) report.fail('token-forged-challenge', 'this 401 has no Bearer challenge')
  else if (lacks.length > 0)
    report.warn('token-forged-challenge', `the challenge lacks ${lacks.join(' and ')}`)
  else report.pass('token-forged-challenge')
}
