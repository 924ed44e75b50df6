import { type AuthorizationRequest, changed } from '../authorization-request.ts'
import type { Visit } from '../contract.ts'
import { followRedirects } from '../follow-redirects.ts'
import { describe } from '../reply.ts'

const strange = 'https://portcullis-doctor.invalid/callback'

/**
 * Requests a redirect to an address that no client registered: the answer must be an error page, not a
 * redirect.
 */
export async function refuseWrongRedirect(
  { ask, report }: Visit,
  { url }: AuthorizationRequest,
): Promise<void> {
  const { reply, away } = await followRedirects(ask, changed(url, { redirect_uri: strange }))
  if (away?.origin === new URL(strange).origin) {
    return report.fail(
      'redirect-wrong',
      `it redirects to ${away.origin}, an address that no client registered: an open redirect`,
    )
  }
  if (reply.status === 0) return report.skip('redirect-wrong', describe(reply))
  if (reply.status >= 400) return report.pass('redirect-wrong', `answers ${reply.status}`)
  report.warn(
    'redirect-wrong',
    `it answers ${describe(reply)} and goes on; whether the address is refused later could not be checked`,
  )
}
