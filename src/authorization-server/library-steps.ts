import type { EventEmitter } from 'node:events'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { publishedKeysSeconds } from '../core/lifetimes.ts'
import { StoreAway, storeAwaySeconds } from '../core/store-away.ts'
import { pageHeaders } from '../http/page.ts'
import { accessTokenEndpoints } from './access-tokens.ts'
import { recordTogether } from './audit.ts'
import { requestedScopeField } from './client-fields.ts'
import { completeRequest } from './complete-request.ts'
import { advicePage } from './error-page.ts'
import { identityAssertionProfile } from './grant-types/jwt-bearer.ts'
import { holdRedirect } from './hold-redirect.ts'
import { awayCode, type Notes } from './notes.ts'
import { endpointPaths } from './paths.ts'
import { settleRedemption } from './redemption.ts'
import { forgiveClientAssertion } from './registration/client-assertions.ts'
import { whatIsAway } from './registration/what-is-away.ts'
import { requestIdOf } from './request-id.ts'
import { dropResumption } from './resumption.ts'
import type { AuthorizationServerSettings } from './settings.ts'
import { completeTokenAnswer } from './token-answer.ts'

/** Steps round the library's own, for what it has no hook for. Must be added before its callback is taken. */
export function addLibrarySteps(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): void {
  const answerForAccessToken = accessTokenEndpoints(settings)
  const forgiveAssertion = forgiveClientAssertion(settings)
  provider.on('server_error', (context, error) => {
    if (error instanceof StoreAway) answerAway(context)
  })
  // Without a listener Koa prints what nobody caught, past the log.
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
      if (!isLostSession(error)) throw error
      koaContext.status = 400
      koaContext.set({ ...pageHeaders })
      koaContext.body = await advicePage(settings.site, 'session_not_found', requestIdOf(koaContext.req))
      return
    }
    if (!('oidc' in koaContext)) return
    const context = koaContext as KoaContextWithOIDC
    try {
      await completeAnswer(context)
    } catch (error) {
      // The library no longer hears of what goes wrong here, and would write the same.
      context.remove('Location')
      context.status = 500
      context.body = { error: 'server_error', error_description: 'something went wrong' }
      provider.emit('server_error', context, error)
      nameRequest(context)
    }
    await recordTogether(context.res)
  })

  /** What is left to do when the library has its answer ready. */
  async function completeAnswer(context: KoaContextWithOIDC): Promise<void> {
    await holdRedirect(settings.site, context)
    dropResumption(settings.site, context)
    const { route } = context.oidc
    if (route === 'jwks') context.set('Cache-Control', `public, max-age=${publishedKeysSeconds}`)
    if (route === 'token') {
      await markMachine(settings, context)
      await forgiveAssertion(context)
      await settleRedemption(settings, context)
      completeTokenAnswer(context, notes.of(context.req))
    }
    if (route === 'registration') nameScope(context.body)
    if (route === 'discovery') await completeMetadata(settings, context.body as Metadata)
    const what = away.get(context)
    if (what !== undefined && isErrorBody(context.body)) answerUnreached(context, notes, what)
    if (isErrorBody(context.body)) {
      if (context.body.error === 'unsupported_token_type' && (await answerForAccessToken(context))) return
      nameRequest(context)
    }
  }
}

/** What the library throws at the end of a device's steps where the browser has no session. */
function isLostSession(error: unknown): boolean {
  return error instanceof TypeError && error.message.startsWith('persist can only be called')
}

interface Metadata {
  scopes_supported: string[]
  token_endpoint_auth_methods_supported?: string[]
  token_endpoint_auth_signing_alg_values_supported?: string[]
  [member: string]: unknown
  response_modes_supported?: string[]
  client_id_metadata_document_supported?: boolean
  authorization_grant_profiles_supported?: string[]
}

/**
 * `offline_access` is named here and nowhere else: some clients refresh only where they see it. Without a word on
 * revocation and introspection, only clients with a secret could think that they may (RFC 8414 section 2).
 */
async function completeMetadata(
  { grants, scopes, announcesDocuments }: AuthorizationServerSettings,
  metadata: Metadata,
): Promise<void> {
  metadata.response_modes_supported = ['query']
  metadata.scopes_supported = [...scopes.leaves, 'openid', 'offline_access']
  for (const endpoint of ['revocation', 'introspection']) {
    for (const name of ['auth_methods_supported', 'auth_signing_alg_values_supported'] as const) {
      metadata[`${endpoint}_endpoint_${name}`] = metadata[`token_endpoint_${name}`]
    }
  }
  // That they are taken, never from whom.
  if (grants.assertionIssuers.length > 0)
    metadata.authorization_grant_profiles_supported = [identityAssertionProfile]
  if (!(await announcesDocuments())) delete metadata.client_id_metadata_document_supported
}

/** The member has another name here, so that it is not taken for the most that the client may get (RFC 7591 section 3.2.1). */
function nameScope(body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  const metadata = body as Metadata
  const { [requestedScopeField]: scope } = metadata
  delete metadata[requestedScopeField]
  if (scope !== undefined) metadata['scope'] = scope
}

/** Where a person lets a client in, storing the grant marks its use; a machine has none. */
async function markMachine(
  { registered, registration, clock }: AuthorizationServerSettings,
  { status, oidc: { client, entities } }: KoaContextWithOIDC,
): Promise<void> {
  if (status !== 200 || client === undefined || entities.Grant !== undefined) return
  await registered.markUsed(client.clientId, clock.now() + registration.idleSeconds * 1000)
}

/** The library has written its answer for a fault by now: a client hears that it may try again. */
function answerAway(context: KoaContextWithOIDC): void {
  context.status = 503
  context.set('Retry-After', String(storeAwaySeconds))
  if (isErrorBody(context.body))
    context.body = { error: awayCode, error_description: 'try again in a moment' }
}

/** The library takes it for a fault of the client's, which would forget its tokens for it. */
function answerUnreached(context: KoaContextWithOIDC, notes: Notes, what: string): void {
  notes.of(context.req).error = awayCode
  context.status = 503
  context.remove('WWW-Authenticate')
  if (!context.res.hasHeader('Retry-After')) context.set('Retry-After', String(clientAwaySeconds))
  context.body = { error: awayCode, error_description: what }
}

/** When the document of a client, or its key set, is tried again. */
const clientAwaySeconds = 30

/** The library's events for what can fail over a client, where one is asked for by a program. */
const clientErrors = [
  'authorization.error',
  'grant.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'revocation.error',
  'introspection.error',
]

interface ErrorBody {
  error: string
  error_description?: string
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string'
}

/** Lets a client's developer name the log line that tells the rest. */
function nameRequest(context: KoaContextWithOIDC): void {
  const body = context.body as ErrorBody
  body.error_description = `${body.error_description ?? body.error} (request ${requestIdOf(context.req)})`
}
