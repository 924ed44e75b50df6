import { type AuthorizationRequest, changed } from '../authorization-request.ts'
import type { OAuthClient, Visit } from '../contract.ts'
import { followRedirects, type Journey } from '../follow-redirects.ts'
import { describe } from '../reply.ts'

/**
 * Goes where a client sends the user: a login must appear that cannot be framed or read by any other page.
 */
export async function openLogin(
  visit: Visit,
  request: AuthorizationRequest,
  client: OAuthClient,
): Promise<void> {
  const { ask } = visit
  const journey = await followRedirects(ask, request.url)
  judgePage(visit, journey, client)
  judgeFrame(visit, journey)
  await judgeCors(visit, request.url)
  await judgePkce(visit, request.url)
}

function judgePage({ report }: Visit, { reply, away }: Journey, { redirectUri, id }: OAuthClient): void {
  if (away?.href.startsWith(redirectUri) === true) {
    const error = away.searchParams.get('error')
    if (error === null)
      return report.warn('login-page', 'the user was sent back at once, without a login and without consent')
    const description = away.searchParams.get('error_description') ?? ''
    return report.fail('login-page', `the user was sent back with ${error} ${description}`)
  }
  if (away !== undefined) return report.pass('login-page', `leads to ${away.origin}`)
  if (reply.status === 200) return report.pass('login-page')
  const isDocument = id.startsWith('https://')
  const fix = isDocument
    ? 'Fetch the metadata document at the client id, or do not announce client_id_metadata_document_supported if the server cannot reach the internet.'
    : undefined
  report.fail('login-page', `a complete request gets ${describe(reply)}`, fix)
}

function judgeFrame({ report }: Visit, { reply, away }: Journey): void {
  if (away !== undefined || reply.status !== 200)
    return report.skip('login-frame', 'no login page of this server was seen')
  const { 'content-security-policy': policy = '', 'x-frame-options': options } = reply.headers
  const lists = [...policy.matchAll(/frame-ancestors([^;,]*)/gi)].map(([, list = '']) => list.trim())
  // Where there are both, browsers go by frame-ancestors.
  const guards = lists.length === 0 ? /\b(?:deny|sameorigin)\b/i.test(options ?? '') : !lists.every(isOpen)
  if (guards) return report.pass('login-frame')
  const said = lists.length === 0 ? options : `frame-ancestors ${lists.join(', ')}`
  const cause =
    said === undefined
      ? 'the page has neither frame-ancestors nor X-Frame-Options'
      : `what the page says lets anybody frame it: ${said}`
  report.warn('login-frame', cause)
}

/** Whether a list of frame-ancestors includes every page. */
function isOpen(list: string): boolean {
  return list.split(/\s+/).some((source) => ['*', 'http:', 'https:'].includes(source))
}

async function judgeCors({ ask, report, profile }: Visit, url: string): Promise<void> {
  const origin = profile.page?.origin ?? 'https://portcullis-doctor.invalid'
  const reply = await ask(url, { headers: { accept: 'text/html', origin } })
  const allowed = reply.headers['access-control-allow-origin']
  if (reply.status === 0) report.skip('login-cors', describe(reply))
  else if (allowed === undefined) report.pass('login-cors')
  else report.fail('login-cors', `it answers with Access-Control-Allow-Origin: ${allowed}`)
}

async function judgePkce({ ask, report }: Visit, url: string): Promise<void> {
  const bare = changed(url, { code_challenge: undefined, code_challenge_method: undefined })
  const { reply, away } = await followRedirects(ask, bare)
  const isRefused = reply.status >= 400 || away?.searchParams.has('error') === true
  if (reply.status === 0) report.skip('login-pkce', describe(reply))
  else if (isRefused) report.pass('login-pkce')
  else
    report.warn(
      'login-pkce',
      'a login appears all the same; whether the request is refused later could not be checked',
    )
}
