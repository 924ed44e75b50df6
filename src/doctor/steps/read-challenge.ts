import { certificateTrouble } from '../ask.ts'
import { type BearerChallenge, parseBearerChallenge } from '../challenge-header.ts'
import type { Visit } from '../contract.ts'
import { openConnection } from '../open-connection.ts'
import { codeOf, describe, isPage, isSuccess, type Reply } from '../reply.ts'
import { Unreachable } from '../unreachable.ts'
import { findLostPrefix } from './find-behind-proxy.ts'

const redirectAdvice =
  'Give users the URL that the redirect leads to: clients do not send tokens along a redirect.'
const pathAdvice = 'Check the path of the URL: nothing is served there, or nothing without a token.'
const pageAdvice = 'Check the path of the URL: for an MCP server it usually is /mcp, or ends with it.'
const hostAdvice =
  'Have the proxy in front forward `Host` as clients send it, with its port (nginx: `proxy_set_header Host $http_host`), or add what it sends to `allowedHosts`. The gateway’s log says which Host came and which are served.'
const errorAdvice = 'Leave `error` out of the challenge when the request has no token.'

/** The answer to the first request: the challenge, if there is one; undefined ends the examination. */
export interface FirstContact {
  readonly challenge: BearerChallenge | undefined
}

/**
 * Makes the first request of the client, without a token. Throws Unreachable if nothing answers; returns
 * undefined if no further request could succeed.
 */
export async function readChallenge(visit: Visit): Promise<FirstContact | undefined> {
  const { endpoint, profile, report, ask } = visit
  const listen = { headers: { accept: 'text/event-stream' } }
  const first = profile.opensWith === 'GET' ? await ask(endpoint.href, listen) : undefined
  // A server may not support GET: clients that begin with it continue with POST.
  const { reply, later } =
    first === undefined || first.status === 405 ? await openConnection(visit) : { reply: first }
  if (reply.status === 0) {
    const problem = describe(reply)
    if (!problem.startsWith(certificateTrouble))
      throw new Unreachable(`${endpoint.origin}${endpoint.pathname}: ${problem}`)
    report.fail('certificate', problem)
    return undefined
  }
  if (endpoint.protocol === 'https:') report.pass('certificate')
  if (later !== undefined)
    report.warn('challenge-status', 'the first request is let in without a token, but tools/list is not')
  else if (!judgeStatus(visit, reply)) return undefined
  const refused = later ?? reply
  const challenge = parseBearerChallenge(refused.headers['www-authenticate'])
  if (refused.status === 401) judgeHeader(visit, refused, challenge)
  return { challenge }
}

/** Returns false if that was not an MCP server: anything else found there would only mislead. */
function judgeStatus({ report }: Visit, reply: Reply): boolean {
  const { status } = reply
  if (status === 401) {
    report.pass('challenge-status')
    return true
  }
  const elsewhere = adviceElsewhere(reply)
  const isRedirect = status >= 300 && status < 400
  report.fail(
    'challenge-status',
    `the answer was ${describe(reply)}: ${meaningOf(reply)}`,
    elsewhere ?? (isRedirect ? redirectAdvice : undefined),
  )
  return elsewhere === undefined
}

function meaningOf(reply: Reply): string {
  if (!isSuccess(reply)) return 'clients start to sign in only on a 401'
  return isPage(reply) ? 'this is a web page, not an MCP server' : 'anyone is let in without a token'
}

/** The fix if the request did not reach an MCP server; undefined if it did. */
function adviceElsewhere(reply: Reply): string | undefined {
  const { status } = reply
  if (status === 404) return findLostPrefix(reply) ?? pathAdvice
  if (status === 405 || (isSuccess(reply) && isPage(reply))) return pageAdvice
  return status === 403 && codeOf(reply) === 'host_not_allowed' ? hostAdvice : undefined
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
  if (!challenge.has('error')) return report.pass('challenge-header')
  report.warn('challenge-header', 'the challenge has `error` although no token was sent', errorAdvice)
}
