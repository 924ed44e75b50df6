import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { publishedKeysSeconds } from '../core/lifetimes.ts'
import { allLeafScopes } from '../core/scope-catalogue.ts'
import { accessTokenEndpoints } from './access-tokens.ts'
import { settleRefresh } from './refresh-window.ts'
import { requestIdOf } from './request-id.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** Steps round the library's own, for what it has no hook for. Must be added before its callback is taken. */
export function addLibrarySteps(provider: Provider, settings: AuthorizationServerSettings): void {
  const answerForAccessToken = accessTokenEndpoints(settings)
  provider.use(async (koaContext, next) => {
    if (koaContext.path === '/authorize') completeAuthorizationRequest(settings, koaContext)
    await next()
    if (!('oidc' in koaContext)) return
    const context = koaContext as KoaContextWithOIDC
    if (context.oidc.route === 'jwks') context.set('Cache-Control', `public, max-age=${publishedKeysSeconds}`)
    if (context.oidc.route === 'token') await settleRefresh(settings, context)
    if (context.oidc.route === 'discovery') completeMetadata(context.body as Metadata)
    if (isErrorBody(context.body)) {
      if (context.body.error === 'unsupported_token_type' && (await answerForAccessToken(context))) return
      nameRequest(context)
    }
  })
}

/** Fills in what an authorization request left out, and writes the resource in its canonical form. */
function completeAuthorizationRequest(
  { resources }: AuthorizationServerSettings,
  context: Pick<KoaContextWithOIDC, 'query'>,
): void {
  const query = { ...context.query }
  // Nobody is sent anywhere before they have seen a page of ours: anybody can register an address.
  if (query['prompt'] === 'none') delete query['prompt']
  const asked = [query['resource'] ?? []].flat()
  const canonical = [...new Set(asked.map((value) => resources.find(value)?.resource ?? value))]
  if (canonical.length > 0) query['resource'] = canonical.length === 1 ? canonical[0] : canonical
  const resource = canonical[0] === undefined ? resources.fallback : resources.find(canonical[0])
  if (query['scope'] === undefined && resource !== undefined)
    query['scope'] = resource.baselineScopes.join(' ')
  context.query = query
}

interface Metadata {
  scopes_supported: string[]
  token_endpoint_auth_methods_supported?: string[]
  token_endpoint_auth_signing_alg_values_supported?: string[]
  [member: string]: unknown
  response_modes_supported?: string[]
}

/**
 * `offline_access` is named here and nowhere else: some clients refresh only where they see it. Without a word on
 * revocation and introspection, only clients with a secret could think that they may (RFC 8414 section 2).
 */
function completeMetadata(metadata: Metadata): void {
  metadata.scopes_supported = [...allLeafScopes, 'openid', 'offline_access']
  for (const endpoint of ['revocation', 'introspection']) {
    for (const name of ['auth_methods_supported', 'auth_signing_alg_values_supported'] as const) {
      metadata[`${endpoint}_endpoint_${name}`] = metadata[`token_endpoint_${name}`]
    }
  }
}

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
