import type { JsonObject } from '../../core/json-object.ts'
import { canonicalResource, withoutTrailingSlash } from '../../core/resource.ts'
import { parseScopes } from '../../core/scope.ts'
import type { BearerChallenge } from '../challenge-header.ts'
import type { CheckName } from '../checks.ts'
import type { ResourceFacts, Visit } from '../contract.ts'
import { askForDocument } from '../follow-redirects.ts'
import { unreachableReason } from '../host-reach.ts'
import type { ResourceMetadataForm } from '../profile.ts'
import { describe, isDocument, isPage, isSuccess, jsonOf, type Reply, textsIn } from '../reply.ts'
import { findBehindProxy } from './find-behind-proxy.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * Looks for protected resource metadata in the three places (RFC 9728 sections 3.1 and 5.1), and uses what
 * the client would use. Without any, or if none names one, the origin is assumed to be the authorization
 * server, as clients do.
 * Returns undefined if the metadata leads nowhere.
 */
export async function findResourceMetadata(
  visit: Visit,
  challenge: BearerChallenge | undefined,
): Promise<ResourceFacts | undefined> {
  const { endpoint, profile, report } = visit
  const found = await readAll(visit, challenge?.get('resource_metadata'))
  await judgePlaces(visit, challenge, found)
  await judgeMissing(visit)

  const taken =
    profile.resourceMetadata.find((form) => isUsable(found.get(form))) ??
    profile.resourceMetadata.find((form) => isFound(found.get(form)))
  if (taken === undefined) return guessed(visit, challenge)
  const metadata = jsonOf(found.get(taken) as Reply) as JsonObject
  judgeResource(visit, metadata['resource'], taken)
  const scopes = parseScopes(challenge?.get('scope'))
  const supported = textsIn(metadata['scopes_supported'])
  judgeOffline(visit, [...scopes, ...supported])

  const [named] = textsIn(metadata['authorization_servers'])
  const unreachable = named === undefined ? undefined : unreachableReason(endpoint, named)
  if (unreachable !== undefined) {
    report.fail('metadata-hosts', `authorization_servers: ${unreachable}`)
    return undefined
  }
  if (named === undefined) report.fail('metadata-servers', 'authorization_servers is missing or empty')
  else report.pass('metadata-servers', named)
  if (!report.has('metadata-hosts')) report.pass('metadata-hosts')
  const resource = metadata['resource']
  return {
    issuer: named ?? endpoint.origin,
    resource: typeof resource === 'string' ? resource : endpoint.href,
    scopes: scopes.length > 0 ? scopes : supported,
  }
}

type Found = ReadonlyMap<ResourceMetadataForm, Reply>

async function readAll({ endpoint, profile, ask, report }: Visit, named: string | undefined): Promise<Found> {
  const headers = { accept: 'application/json', 'mcp-protocol-version': profile.discoveryRevision }
  const path = endpoint.pathname === '/' ? '' : endpoint.pathname
  const places: [ResourceMetadataForm, string][] = [
    ['path', endpoint.origin + wellKnown + path + endpoint.search],
    ['root', endpoint.origin + wellKnown],
  ]
  const unreachable = named === undefined ? undefined : unreachableReason(endpoint, named)
  if (unreachable !== undefined) report.fail('metadata-hosts', `resource_metadata: ${unreachable}`)
  else if (named !== undefined) places.unshift(['challenge', named])
  const found = new Map<ResourceMetadataForm, Reply>()
  for (const [form, url] of places) {
    const known = [...found.values()].find((reply) => reply.url === url)
    found.set(form, known ?? (await askForDocument(ask, url, headers)))
  }
  return found
}

function isFound(reply: Reply | undefined): reply is Reply {
  return reply !== undefined && isDocument(reply)
}

function isUsable(reply: Reply | undefined): boolean {
  return isFound(reply) && jsonOf(reply)?.['authorization_servers'] !== undefined
}

async function judgePlaces(
  { ask, report }: Visit,
  challenge: BearerChallenge | undefined,
  found: Found,
): Promise<void> {
  const path = found.get('path') as Reply
  const root = found.get('root') as Reply
  const named = found.get('challenge')
  if (challenge?.has('resource_metadata') === true) {
    report.pass('challenge-metadata')
    if (named !== undefined) await judgePlace('metadata-challenge', named)
  } else if (challenge !== undefined) {
    const cause = 'the challenge has no resource_metadata'
    // Since 2025-11-25 the well-known address is sufficient (MCP Authorization, Protected Resource Metadata
    // Discovery).
    if (isUsable(path) || isUsable(root))
      report.warn('challenge-metadata', `${cause}; only newer clients find the document without it`)
    else report.fail('challenge-metadata', `${cause}, and no well-known address has the document`)
  }
  await judgePlace('metadata-path', path)
  if (isDocument(root)) report.pass('metadata-root')
  else report.warn('metadata-root', `${root.url} answers ${describe(root)}`)

  async function judgePlace(check: CheckName, reply: Reply): Promise<void> {
    if (isDocument(reply)) return report.pass(check, reply.url)
    const elsewhere = [...found.values()].some((other) => isUsable(other))
    const where = elsewhere ? '; the document is only at another address' : ''
    const fix = await findBehindProxy(ask, reply.url)
    report.fail(check, `${reply.url} answers ${describe(reply)}${where}`, fix)
  }
}

/**
 * An HTML page in place of a document, or where there should be none, makes clients fail at its first
 * character.
 */
async function judgeMissing({ endpoint, ask, report }: Visit): Promise<void> {
  const reply = await ask(
    `${endpoint.origin}/.well-known/oauth-authorization-server/portcullis-doctor/nothing-here`,
    {
      headers: { accept: 'application/json' },
    },
  )
  const cause = `${reply.url}, where there is no document, answers ${describe(reply)}`
  if (isSuccess(reply) && isPage(reply)) report.fail('metadata-json', cause)
  else if (reply.status >= 500 || reply.status === 0)
    report.fail('metadata-json', `${cause}: clients give up instead of looking further`)
  else if (reply.status === 401)
    report.fail(
      'metadata-json',
      `${cause}: some clients stop there`,
      'Never ask for a token at `/.well-known/*`.',
    )
  else report.pass('metadata-json')
}

function guessed(visit: Visit, challenge: BearerChallenge | undefined): ResourceFacts {
  const { origin, href } = visit.endpoint
  return { issuer: origin, resource: href, scopes: parseScopes(challenge?.get('scope')) }
}

function judgeResource(
  { endpoint, profile, report }: Visit,
  resource: unknown,
  form: ResourceMetadataForm,
): void {
  const expected = endpoint.href
  const isOrigin = form === 'root' && resource === endpoint.origin
  if (resource === expected || (isOrigin && !profile.comparesResourceExactly)) {
    return report.pass('metadata-resource', expected)
  }
  if (typeof resource !== 'string') return report.fail('metadata-resource', '`resource` is missing')
  const cause = `\`resource\` is ${resource}, but the client called ${expected}`
  const canonical = canonicalResource(resource)
  const isVariant = canonical !== undefined && canonical === canonicalResource(expected)
  if (isVariant && !profile.comparesResourceExactly) {
    return report.warn('metadata-resource', `${cause}: only the spelling differs, which some clients refuse`)
  }
  report.fail(
    'metadata-resource',
    `${cause}${withoutTrailingSlash(resource) === withoutTrailingSlash(expected) ? ': mind the trailing slash' : ''}`,
  )
}

function judgeOffline({ report }: Visit, scopes: readonly string[]): void {
  if (scopes.includes('offline_access'))
    report.warn('metadata-offline', 'offline_access is among the scopes that the MCP server names')
  else report.pass('metadata-offline')
}
