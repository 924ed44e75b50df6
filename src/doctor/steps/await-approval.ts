import { secretsEqual } from '../../core/secret.ts'
import type { AuthorizationRequest } from '../authorization-request.ts'
import type { OAuthClient, ServerFacts, Visit } from '../contract.ts'
import type { AnswerListener } from '../listen-for-answer.ts'

interface ApprovalPorts {
  readonly request: AuthorizationRequest
  readonly client: OAuthClient
  readonly server: ServerFacts
  readonly listener: AnswerListener
  readonly waitMs: number
}

/**
 * Lets a user sign in and approve, and judges the answer. Returns the code, or undefined if there was none.
 */
export async function awaitApproval(
  { report, say }: Visit,
  { request, client, server, listener, waitMs }: ApprovalPorts,
): Promise<string | undefined> {
  const { origin, pathname } = new URL(client.redirectUri)
  report.hide(request.verifier)
  say(
    `Sign in and approve:\n\n  ${request.url}\n\nWaiting up to ${Math.round(waitMs / 1000)} s for the answer at ${origin}${pathname}`,
  )
  const answer = await listener.answer(pathname, waitMs)
  if (answer === undefined) {
    report.fail(
      'login-answer',
      `nobody came back within ${Math.round(waitMs / 1000)} s`,
      'Open the URL above and approve. If the browser shows an error instead, that is what to fix.',
    )
    return undefined
  }
  const code = answer.get('code')
  if (code !== null) report.hide(code)
  judgeIssuer(report, server, answer.get('iss'))
  if (!secretsEqual(answer.get('state') ?? '', request.state)) {
    report.fail(
      'login-answer',
      answer.has('state') ? '`state` came back changed' : '`state` did not come back',
    )
    return undefined
  }
  if (code === null) {
    report.fail(
      'login-answer',
      `the answer is ${answer.get('error') ?? 'neither a code nor an error'} ${answer.get('error_description') ?? ''}`,
    )
    return undefined
  }
  report.pass('login-answer')
  return code
}

function judgeIssuer(
  report: Visit['report'],
  { issuer, sendsIssuer }: ServerFacts,
  stated: string | null,
): void {
  if (stated === issuer) {
    if (sendsIssuer) return report.pass('login-issuer')
    return report.warn(
      'login-issuer',
      '`iss` is sent, but the metadata does not announce it',
      'Set `authorization_response_iss_parameter_supported` to true.',
    )
  }
  if (stated !== null)
    return report.fail(
      'login-issuer',
      `\`iss\` is ${stated}, the issuer is ${issuer}: clients drop the answer`,
    )
  if (sendsIssuer)
    return report.fail(
      'login-issuer',
      'the metadata announces `iss`, but it is missing: clients drop the answer',
    )
  report.warn(
    'login-issuer',
    'the answer has no `iss`, so clients cannot notice a mix-up of authorization servers',
  )
}
