import { parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { openConnection } from '../open-connection.ts'
import { describe, isSuccess } from '../reply.ts'

/**
 * Sends a token that nobody issued: the answer must be 401, with a challenge that makes the client sign in
 * again.
 */
export async function refuseForgedToken(visit: Visit): Promise<void> {
  const { report } = visit
  const { reply, later } = await openConnection(visit, 'portcullis-doctor-made-this-up')
  const refused = later ?? reply
  if (refused.status !== 401) {
    const meaning = isSuccess(refused)
      ? 'any text is accepted as a token'
      : 'no client starts to sign in again on that'
    return report.fail('token-forged', `it answers ${describe(refused)}: ${meaning}`)
  }
  if (later === undefined) report.pass('token-forged')
  else report.warn('token-forged', 'the first request is let in with any token, but tools/list is not')
  const challenge = parseBearerChallenge(refused.headers['www-authenticate'])
  const lacks = [
    ...(challenge?.get('error') === 'invalid_token' ? [] : ['error="invalid_token"']),
    ...(challenge?.has('resource_metadata') === true ? [] : ['resource_metadata']),
  ]
  if (challenge === undefined) report.fail('token-forged-challenge', 'this 401 has no Bearer challenge')
  else if (lacks.length > 0)
    report.warn('token-forged-challenge', `the challenge lacks ${lacks.join(' and ')}`)
  else report.pass('token-forged-challenge')
}
