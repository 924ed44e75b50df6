import { parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { describe, type Reply } from '../reply.ts'

/** Judges the refusal of a call beyond the scopes (RFC 6750 section 3.1), where the call was refused for that. */
export function judgeStepUp({ report }: Visit, reply: Reply): void {
  if (reply.status === 401) {
    return report.fail(
      'step-up',
      'a call that the token does not cover gets 401: clients sign in again and again, with the same scopes',
    )
  }
  if (reply.status !== 403)
    return report.skip('step-up', `the call was not refused for a scope: ${describe(reply)}`)
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
