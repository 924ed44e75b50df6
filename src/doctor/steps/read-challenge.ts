import { certificateTrouble } from '../ask.ts'
import { type BearerChallenge, parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { describe, type Reply } from '../reply.ts'

/** The server could not be reached at all: nothing is right or wrong about it. */
export class Unreachable extends Error {}

/** What the first request met: the challenge where there is one; undefined ends the examination. */
export interface FirstContact {
  readonly challenge: BearerChallenge | undefined
}

/**
 * Makes the first request of the client, without a token. Throws Unreachable where nothing answers; returns undefined
 * where no further request could succeed.
 */
export async function readChallenge(visit: Visit): Promise<FirstContact | undefined> {
  const { endpoint, profile, report, ask } = visit
  const opening = openingCall(visit.revision)
  const reply = await ask(
    endpoint.href,
    profile.opensWith === 'GET' ? { headers: { accept: 'text/event-stream' } } : opening,
  )
  if (reply.status === 0) {
    const problem = describe(reply)
    if (!problem.startsWith(certificateTrouble)) throw new Unreachable(`${endpoint.href}: ${problem}`)
    report.fail('address', problem)
    return undefined
  }
  // A server may serve no GET: clients that begin with it go on with POST.
  const refused = reply.status === 405 ? await ask(endpoint.href, opening) : reply
  judgeStatus(visit, refused)
  const challenge = parseBearerChallenge(refused.headers['www-authenticate'])
  if (refused.status === 401) judgeHeader(visit, refused, challenge)
  return { challenge }
}

function judgeStatus({ report }: Visit, reply: Reply): void {
  const { status } = reply
  if (status === 401) return report.pass('challenge-status')
  const seen = `the answer was ${describe(reply)}`
  if (status >= 200 && status < 300) {
    return report.fail('challenge-status', `${seen}: whoever comes without a token is let in`)
  }
  if (status >= 300 && status < 400) {
    return report.fail(
      'challenge-status',
      seen,
      'Give users the URL at the end of the redirect: clients do not take tokens along.',
    )
  }
  if (status === 404) {
    return report.fail(
      'challenge-status',
      seen,
      'Check the path of the URL: nothing is served there, or not before a token is seen.',
    )
  }
  report.fail('challenge-status', `${seen}: clients take only 401 for a reason to sign in`)
}

function judgeHeader({ report }: Visit, reply: Reply, challenge: BearerChallenge | undefined): void {
  if (challenge === undefined) {
    const header = reply.headers['www-authenticate']
    const cause =
      header === undefined
        ? 'the 401 has no WWW-Authenticate header'
        : 'no challenge in WWW-Authenticate is Bearer'
    return report.fail('challenge-header', cause)
  }
  report.pass('challenge-header')
  if (challenge.has('error')) {
    report.warn(
      'challenge-header',
      'the challenge holds `error` although no token was sent',
      'Leave `error` out where no token came (RFC 6750 section 3.1).',
    )
  }
}
