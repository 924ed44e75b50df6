import type { JsonObject } from '../../core/json-object.ts'
import { withoutTrailingSlash } from '../../core/resource.ts'
import type { ResourceFacts, ServerFacts, Visit } from '../contract.ts'
import { askForDocument } from '../follow-redirects.ts'
import { unreachableReason } from '../host-reach.ts'
import type { ServerMetadataForm } from '../profile.ts'
import { describe, isDocument, isPage, jsonOf, type Reply, textsIn } from '../reply.ts'
import { findBehindProxy } from './find-behind-proxy.ts'

const urlMembers = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'jwks_uri',
  'revocation_endpoint',
] as const

/**
 * Looks for the metadata of the authorization server in the forms and the order of the client (RFC 8414
 * section 3.1), and judges its content. Returns undefined if nobody could continue with it.
 */
export async function findServerMetadata(
  visit: Visit,
  { issuer }: ResourceFacts,
): Promise<ServerFacts | undefined> {
  const { endpoint, report } = visit
  const reply = await readFirst(visit, issuer)
  if (reply === undefined) return undefined
  const metadata = jsonOf(reply) as JsonObject
  judgeIssuer(visit, metadata['issuer'], issuer)
  judgeAnnouncements(visit, metadata)

  const unreachable = urlMembers.flatMap((member) => {
    const url = metadata[member]
    const reason = typeof url === 'string' ? unreachableReason(endpoint, url) : undefined
    return reason === undefined ? [] : [`${member}: ${reason}`]
  })
  if (unreachable.length > 0) {
    report.fail('server-hosts', unreachable.join('; '))
    return undefined
  }
  report.pass('server-hosts')
  const missing = ['authorization_endpoint', 'token_endpoint'].filter(
    (member) => typeof metadata[member] !== 'string',
  )
  const takesCode = textsIn(metadata['response_types_supported']).includes('code')
  if (missing.length > 0 || !takesCode) {
    report.fail(
      'server-endpoints',
      missing.length > 0 ? `missing: ${missing.join(', ')}` : 'response_types_supported has no `code`',
    )
    if (missing.length > 0) return undefined
  } else report.pass('server-endpoints')

  const registration = metadata['registration_endpoint']
  await judgeKeys(visit, metadata['jwks_uri'])
  return {
    issuer: typeof metadata['issuer'] === 'string' ? metadata['issuer'] : issuer,
    authorizationEndpoint: metadata['authorization_endpoint'] as string,
    tokenEndpoint: metadata['token_endpoint'] as string,
    authMethods: textsIn(metadata['token_endpoint_auth_methods_supported']),
    ...(typeof registration === 'string' ? { registrationEndpoint: registration } : {}),
    metadataUrl: reply.url,
    scopes: textsIn(metadata['scopes_supported']),
    sendsIssuer: metadata['authorization_response_iss_parameter_supported'] === true,
    takesDocuments: metadata['client_id_metadata_document_supported'] === true,
  }
}

/** The metadata addresses of an issuer, in the order of a client. */
function addressesOf(issuer: string, forms: readonly ServerMetadataForm[]): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = withoutTrailingSlash(pathname)
  const addresses: Record<ServerMetadataForm, string> = {
    'oauth-inserted': `${origin}/.well-known/oauth-authorization-server${path}`,
    'openid-inserted': `${origin}/.well-known/openid-configuration${path}`,
    'openid-appended': `${origin}${path}/.well-known/openid-configuration`,
  }
  return [...new Set(forms.map((form) => addresses[form]))]
}

async function readFirst({ ask, profile, report }: Visit, issuer: string): Promise<Reply | undefined> {
  const headers = { accept: 'application/json', 'mcp-protocol-version': profile.discoveryRevision }
  const tried: string[] = []
  for (const url of addressesOf(issuer, profile.serverMetadata)) {
    const reply = await askForDocument(ask, url, headers)
    if (isDocument(reply)) {
      report.pass('server-found', [...tried, url].join(' → '))
      return reply
    }
    tried.push(`${url}: ${describe(reply)}`)
    // Clients only look further after 4xx and 502.
    const looksFurther = (reply.status >= 400 && reply.status < 500) || reply.status === 502
    if (looksFurther) continue
    const fix = isPage(reply)
      ? 'Serve JSON at the well-known addresses, and answer 404 where there is no document: clients stop at an HTML page.'
      : undefined
    report.fail('server-found', `${tried.join('; ')}: clients stop here`, fix)
    return undefined
  }
  const [first = issuer] = addressesOf(issuer, profile.serverMetadata)
  report.fail('server-found', tried.join('; '), await findBehindProxy(ask, first))
  return undefined
}

function judgeIssuer({ report }: Visit, stated: unknown, expected: string): void {
  if (stated === expected) return report.pass('server-issuer', expected)
  if (typeof stated !== 'string') return report.fail('server-issuer', '`issuer` is missing')
  const isSlash = withoutTrailingSlash(stated) === withoutTrailingSlash(expected)
  const hint = isSlash ? ': only the trailing slash differs, and that is enough for clients to refuse' : ''
  report.fail('server-issuer', `the metadata says ${stated}, but clients expect ${expected}${hint}`)
}

function judgeAnnouncements({ report }: Visit, metadata: JsonObject): void {
  const pkce = metadata['code_challenge_methods_supported']
  if (textsIn(pkce).includes('S256')) report.pass('server-pkce')
  else
    report.fail(
      'server-pkce',
      pkce === undefined
        ? 'code_challenge_methods_supported is missing'
        : 'code_challenge_methods_supported has no S256',
    )
  const methods = metadata['token_endpoint_auth_methods_supported']
  if (textsIn(methods).includes('none')) report.pass('server-public')
  else
    report.warn(
      'server-public',
      methods === undefined
        ? 'token_endpoint_auth_methods_supported is missing'
        : 'token_endpoint_auth_methods_supported has no `none`',
    )
  if (textsIn(metadata['scopes_supported']).includes('offline_access')) report.pass('server-offline')
  else report.warn('server-offline', 'scopes_supported has no offline_access')
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

async function judgeKeys({ ask, report }: Visit, url: unknown): Promise<void> {
  if (typeof url !== 'string')
    return report.skip('server-keys', 'there is no jwks_uri; access tokens may be opaque')
  const reply = await ask(url)
  const keys = jsonOf(reply)?.['keys']
  if (!Array.isArray(keys) || reply.status !== 200)
    return report.fail('server-keys', `${url} answers ${describe(reply)}`)
  const leaks = keys.some(
    (key) => typeof key === 'object' && key !== null && privateMembers.some((member) => member in key),
  )
  if (leaks) report.fail('server-keys', 'the published set has a key with its private part')
  else report.pass('server-keys')
}
