import type { EventEmitter } from 'node:events'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { publishedKeysSeconds } from '../../core/lifetimes.ts'
import { StoreAway, storeAwaySeconds } from '../../core/store-away.ts'
import { readHead } from '../../http/head.ts'
import { wantsPage } from '../../http/page.ts'
import { recordTogether } from '../audit.ts'
import { advicePage, renderLibraryError } from '../error-page.ts'
import { awayCode, type Notes } from '../notes.ts'
import { endpointPaths } from '../paths.ts'
import { forgiveClientAssertion } from '../registration/client-assertions.ts'
import { requestedScopeField } from '../registration/client-fields.ts'
import { whatIsAway } from '../registration/what-is-away.ts'
import { requestIdOf } from '../request-id.ts'
import { completeRequest } from '../requests/complete-request.ts'
import { holdRedirect } from '../requests/hold-redirect.ts'
import { dropResumption } from '../requests/resumption.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { accessTokenEndpoints } from '../tokens/access-tokens.ts'
import { settleRedemption } from '../tokens/redemption.ts'
import { completeTokenAnswer } from '../tokens/token-answer.ts'
import { completeMetadata } from './complete-metadata.ts'
import { answerWithPage } from './library-page.ts'

/**
 * Steps around the library's own, for everything it has no hook for. Must be added before its callback is
 * taken.
 */
export function addLibrarySteps(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): void {
  const answerForAccessToken = accessTokenEndpoints(settings)
  const forgiveAssertion = forgiveClientAssertion(settings)
  const renderError = renderLibraryError(settings.site)
  provider.on('server_error', (context, error) => {
    if (error instanceof StoreAway) answerStoreAway(context)
  })
  // Without a listener, Koa prints uncaught errors itself, bypassing the log.
  const app: EventEmitter = provider
  app.on('error', settings.onFault)
  const away = new WeakMap<KoaContextWithOIDC, string>()
  const noteAway = (context: KoaContextWithOIDC, error: unknown): void => {
    const what = whatIsAway(error)
    if (what !== undefined) away.set(context, what)
  }
  for (const event of clientErrors) app.on(event, noteAway)
  provider.use(async (koaContext, next) => {
    if (koaContext.path === endpointPaths.authorization)
      koaContext.query = completeRequest(settings.resources, koaContext.query, notes.of(koaContext.req))
    try {
      await next()
    } catch (error) {
      if (isLostSession(error)) {
        koaContext.status = 400
        const page = advicePage(settings.site, 'session_not_found', requestIdOf(koaContext.req))
        return answerWithPage(koaContext, page)
      }
      if (!('oidc' in koaContext)) throw error
      // It may be for a session that could not be stored.
      koaContext.remove('Set-Cookie')
      return answerFault(koaContext as KoaContextWithOIDC, error)
    }
    if (!('oidc' in koaContext)) return
    const context = koaContext as KoaContextWithOIDC
    try {
      await completeAnswer(context)
    } catch (error) {
      return answerFault(context, error)
    }
    await recordTogether(context.res)
  })

  /** The library does not hear of errors out here. The answer is the one that it would give. */
  async function answerFault(context: KoaContextWithOIDC, error: unknown): Promise<void> {
    const out = { error: 'server_error', error_description: 'something went wrong' }
    context.remove('Location')
    context.status = 500
    if (wantsPage(context.req)) await renderError(context, out)
    else context.body = out
    provider.emit('server_error', context, error)
    if (isErrorBody(context.body)) nameRequest(context)
    await recordTogether(context.res)
  }

  /** What is left to do once the library's answer is ready. */
  async function completeAnswer(context: KoaContextWithOIDC): Promise<void> {
    await holdRedirect(settings.site, context)
    dropResumption(settings.site, context)
    const { route } = context.oidc
    if (route === 'jwks') context.set('Cache-Control', `public, max-age=${publishedKeysSeconds}`)
    if (route === 'token') {
      await markMachineUsed(settings, context)
      await forgiveAssertion(context)
      await forgetNeed(settings, context)
      await settleRedemption(settings, context)
      completeTokenAnswer(context, notes.of(context.req))
    }
    if (route === 'registration') nameScope(context.body)
    // Empty text, which is nothing to any client (RFC 7009 section 2.2), is an error to those that expect JSON.
    if (route === 'revocation' && context.status === 200) context.body = {}
    if (route === 'discovery') await completeMetadata(settings, context)
    const what = away.get(context)
    if (what !== undefined && isErrorBody(context.body)) answerClientAway(context, notes, what)
    if (context.status === 401) challengeHeader(settings, context)
    if (isErrorBody(context.body)) {
      if (context.body.error === 'unsupported_token_type' && (await answerForAccessToken(context)))
        return notes.withdraw(context.req)
      nameRequest(context)
    }
  }
}

/** The library's error at the end of a device's steps if the browser has no session. */
function isLostSession(error: unknown): boolean {
  return error instanceof TypeError && error.message.startsWith('persist can only be called')
}

/**
 * Gives the requested scope of a registration its name back (RFC 7591 section 3.2.1). It is kept under another
 * name, since the library would take `scope` for the limit of what the client may get.
 */
function nameScope(body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  const metadata = body as Record<string, unknown>
  const { [requestedScopeField]: scope } = metadata
  delete metadata[requestedScopeField]
  if (scope !== undefined) metadata['scope'] = scope
}

/** If a user approves a client, storing the grant marks its use; a machine has no grant. */
async function markMachineUsed(
  { registered, registration, clock }: AuthorizationServerSettings,
  { status, oidc: { client, entities } }: KoaContextWithOIDC,
): Promise<void> {
  if (status !== 200 || client === undefined || entities.Grant !== undefined) return
  await registered.markUsed(client.clientId, clock.now() + registration.idleSeconds * 1000)
}

/** With these tokens the client has what it was found to lack, if the user agreed. */
async function forgetNeed(
  { stepUps }: AuthorizationServerSettings,
  { status, oidc: { entities } }: KoaContextWithOIDC,
): Promise<void> {
  const redeemed = entities.AuthorizationCode ?? entities.DeviceCode
  if (status !== 200 || redeemed?.clientId === undefined || redeemed.accountId === undefined) return
  await stepUps.forget(redeemed.clientId, redeemed.accountId)
}

/**
 * The store is away. The library has already written an answer for an internal error; the client must hear
 * that it may try again.
 */
function answerStoreAway(context: KoaContextWithOIDC): void {
  context.status = 503
  context.set('Retry-After', String(storeAwaySeconds))
  if (isErrorBody(context.body))
    context.body = { error: awayCode, error_description: 'try again in a moment' }
}

/**
 * The document or the key set of the client is away. The library treats that as the client's error, which
 * would make the client discard its tokens.
 */
function answerClientAway(context: KoaContextWithOIDC, notes: Notes, what: string): void {
  notes.of(context.req).error = awayCode
  context.status = 503
  context.remove('WWW-Authenticate')
  if (!context.res.hasHeader('Retry-After')) context.set('Retry-After', String(clientAwaySeconds))
  context.body = { error: awayCode, error_description: what }
}

/** When to try the document or the key set of a client again. */
const clientAwaySeconds = 30

/** The library's events for requests by programs that can fail because of a client. */
const clientErrors = [
  'authorization.error',
  'grant.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'revocation.error',
  'introspection.error',
]

/**
 * Challenges a client that tried a header (RFC 6749 section 5.2), also where the library saw none because all
 * that it said was moved into the form.
 */
function challengeHeader({ site }: AuthorizationServerSettings, { req, res }: KoaContextWithOIDC): void {
  if (res.hasHeader('WWW-Authenticate') || readHead(req.rawHeaders).authorization === undefined) return
  res.setHeader('WWW-Authenticate', `Basic realm="${site.url}"`)
}

interface ErrorBody {
  error: string
  error_description?: string
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string'
}

/** Lets a client's developer refer to the log line with the details. */
function nameRequest(context: KoaContextWithOIDC): void {
  const body = context.body as ErrorBody
  body.error_description = `${body.error_description ?? body.error} (request ${requestIdOf(context.req)})`
}
