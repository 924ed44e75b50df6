import type { CheckName } from '../checks.ts'
import type { ServerFacts, Visit } from '../contract.ts'
import { openingCall } from '../mcp-request.ts'
import { codeOf, describe, isSuccess, type Reply } from '../reply.ts'

const originAdvice =
  'If that page may call, add its origin to `cors.origins` of Portcullis. The gateway’s log says which Origin came and which are allowed.'

/**
 * Sends the requests that a browser sends before a page may call, and checks whether the page could read the
 * answers.
 */
export async function checkCors(visit: Visit, server: ServerFacts | undefined): Promise<void> {
  const { profile, endpoint, ask, report } = visit
  if (profile.page === undefined) return
  const { origin, needsCors } = profile.page
  const opening = openingCall(visit.revision, { headers: { origin } })
  const refused = await ask(endpoint.href, opening)
  const fix = codeOf(refused) === 'origin_not_allowed' ? originAdvice : undefined
  const judge = (check: CheckName, problems: readonly (string | undefined)[]): void => {
    const causes = problems.filter((problem) => problem !== undefined)
    if (causes.length === 0) return report.pass(check)
    const cause = causes.join('; ')
    if (needsCors) report.fail(check, cause, fix)
    else report.warn(check, `${cause}; this matters for clients that run in a web page`, fix)
  }
  const preflight = async (url: string, method: string, headers: string): Promise<string | undefined> => {
    const reply = await ask(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
    })
    return preflightProblem(reply, origin, headers.split(','))
  }

  judge('cors-endpoint', [
    await preflight(endpoint.href, 'POST', 'authorization,content-type,mcp-protocol-version'),
  ])
  judge('cors-challenge', [originProblem(refused, origin), exposeProblem(refused)])
  if (server === undefined) return

  const metadataUrls = [
    `${endpoint.origin}/.well-known/oauth-protected-resource${endpoint.pathname === '/' ? '' : endpoint.pathname}`,
    server.metadataUrl,
  ]
  const metadata: (string | undefined)[] = []
  for (const url of metadataUrls) {
    metadata.push(await preflight(url, 'GET', 'mcp-protocol-version'))
    metadata.push(originProblem(await ask(url, { headers: { origin } }), origin))
  }
  judge('cors-metadata', metadata)
  const { registrationEndpoint, tokenEndpoint } = server
  if (registrationEndpoint === undefined) report.skip('cors-register', 'there is no registration endpoint')
  else judge('cors-register', [await preflight(registrationEndpoint, 'POST', 'content-type')])
  const form = {
    grant_type: 'authorization_code',
    code: 'portcullis-doctor-made-this-up',
    client_id: 'nobody',
  }
  judge('cors-token', [
    originProblem(await ask(tokenEndpoint, { method: 'POST', headers: { origin }, form }), origin),
  ])
}

function originProblem(reply: Reply, origin: string): string | undefined {
  const allowed = reply.headers['access-control-allow-origin']
  if (allowed === '*' || allowed === origin) return undefined
  const seen =
    allowed === undefined ? 'no Access-Control-Allow-Origin' : `Access-Control-Allow-Origin ${allowed}`
  return `${reply.url} answers ${describe(reply)} with ${seen} to the origin ${origin}`
}

function preflightProblem(reply: Reply, origin: string, wanted: readonly string[]): string | undefined {
  if (!isSuccess(reply)) return `${reply.url} answers the preflight with ${describe(reply)}`
  const names = (reply.headers['access-control-allow-headers'] ?? '').toLowerCase().split(',')
  const allowed = new Set(names.map((name) => name.trim()))
  // An asterisk never includes `authorization`.
  const isAllowed = (name: string): boolean =>
    allowed.has(name) || (name !== 'authorization' && allowed.has('*'))
  const lacking = wanted.filter((name) => !isAllowed(name))
  const headers =
    lacking.length === 0 ? undefined : `the preflight at ${reply.url} does not allow ${lacking.join(', ')}`
  return originProblem(reply, origin) ?? headers
}

function exposeProblem({ headers, url }: Reply): string | undefined {
  const names = (headers['access-control-expose-headers'] ?? '').toLowerCase().split(',')
  // Clients call without cookies, so an asterisk includes every header.
  const isExposed = names.some((name) => ['www-authenticate', '*'].includes(name.trim()))
  return isExposed ? undefined : `${url} does not expose WWW-Authenticate to pages`
}
