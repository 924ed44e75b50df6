import { errorKinds, type Refusal } from '../core/errors.ts'
import type { Site } from '../core/site.ts'
import { challenge } from '../http/challenge.ts'
import { corsHeaders } from '../http/cors.ts'
import { type Exchange, sendJson } from '../http/exchange.ts'
import { pageHeaders, wantsPage } from '../http/page.ts'
import { problemPage, sentence } from '../http/problem-page.ts'
import type { RequestId } from '../mcp/message.ts'

/**
 * The one place where a refusal becomes a response: a JSON-RPC error, with the challenge that goes with a
 * 401 or 403. `metadataUrl` is where the client finds the protected resource metadata, `callId` the id of
 * the request, if known.
 */
export function refuse(
  exchange: Exchange,
  refusal: Refusal,
  context: { readonly metadataUrl: string; readonly callId: RequestId | undefined },
): void {
  const { detail, code } = refusal
  const id = detail.id ?? context.callId
  const headers = commonHeaders(refusal)
  if (detail.challenge !== undefined)
    headers.push('WWW-Authenticate', challenge(detail.challenge, context.metadataUrl))
  if (detail.nonce !== undefined) headers.push('DPoP-Nonce', detail.nonce)
  if (code === 'method_not_allowed') headers.push('Allow', allowedBeside(exchange.req.method, detail.allow))
  const data = { ...(detail.data as object | undefined), code, requestId: exchange.requestId }
  const error = { code: errorKinds[code].rpc, message: refusal.message, data }
  const document = id === undefined ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id, error }
  sendJson(exchange, refusal.status, document, headers)
}

/**
 * The same for requests to the authorization server: a page if a browser asks, otherwise an OAuth error
 * (RFC 6749 section 5.2), which pages of any checked origin may read.
 */
export async function refuseOAuth(exchange: Exchange, refusal: Refusal, site: Site): Promise<void> {
  const { req, res, head, requestId, baseHeaders } = exchange
  const { status, message } = refusal
  if (wantsPage(req)) {
    const page = await problemPage(site, {
      title: status === 503 ? 'The sign-in cannot be reached' : 'Something went wrong',
      what: sentence(message),
      advice:
        'Wait a moment, then reload this page. If this keeps happening, give the administrator the request number below.',
      requestId,
    })
    const headers = [...Object.entries(pageHeaders).flat(), ...retryHeaders(refusal)]
    res.writeHead(status, [...baseHeaders, ...headers]).end(String(page))
    return
  }
  const headers = commonHeaders(refusal)
  if (head.origin !== undefined) headers.push(...corsHeaders(head.origin))
  const error = status === 503 ? 'temporarily_unavailable' : 'server_error'
  const description = `${message} (request ${requestId})`
  sendJson(exchange, status, { error, error_description: description }, headers)
}

/**
 * The methods that a path accepts (RFC 9110 section 15.5.6), without the refused one, which is accepted
 * only in other circumstances, if at all.
 */
function allowedBeside(refused: string | undefined, methods = 'GET, POST, DELETE, OPTIONS'): string {
  return methods
    .split(', ')
    .filter((method) => method !== refused)
    .join(', ')
}

function commonHeaders(refusal: Refusal): string[] {
  return ['Cache-Control', 'no-store', ...retryHeaders(refusal)]
}

function retryHeaders({ detail: { retryAfterSeconds } }: Refusal): string[] {
  return retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfterSeconds)]
}
