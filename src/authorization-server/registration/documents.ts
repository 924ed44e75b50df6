import { LRUCache } from 'lru-cache'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { isLoopbackHost } from '../../core/resource.ts'
import { fetchProblem } from '../../http/safe-fetch.ts'
import { errors, Provider } from '../library/library.ts'
import { slowDown } from '../requests/slow-down.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { documentUrlProblem } from './document-url.ts'
import { fetchLimit } from './fetch-limits.ts'
import { keepDocuments } from './kept-documents.ts'
import { tidyDocument, tidyKeySet } from './tidy-document.ts'

type Feature = NonNullable<NonNullable<Configuration['features']>['clientIdMetadataDocument']>

/** The draft that oidc-provider implements; its constructor throws for any other text. */
const draft = 'draft-02'
/** Users may take minutes over login and consent, and every step needs the document. */
const cacheSeconds = { min: 300, max: 24 * 3600 }
const keySetMilliseconds = 60_000
const keptKeySets = 200

/** Client ID metadata documents: which ones are fetched. The library checks and caches them. */
export function documentFeature(settings: AuthorizationServerSettings): Feature {
  const { enabled, allowedHosts } = settings.registration.documents
  const { site } = settings
  const ownHosts = new Set(site.origins.map((origin) => new URL(origin).host))
  const isOwn = ({ host, pathname }: URL): boolean =>
    ownHosts.has(host) && site.localPath(pathname) !== undefined
  const allowLoopback = isLoopbackHost(new URL(site.url).hostname)
  const limit = fetchLimit(settings, 'documents')
  const isAllowed = (clientId: string): boolean =>
    allowedHosts === undefined || allowedHosts.includes(new URL(clientId).hostname)
  return {
    enabled,
    ack: draft,
    cacheDuration: cacheSeconds,
    async allowFetch(context: KoaContextWithOIDC, clientId: string): Promise<boolean> {
      const problem = documentUrlProblem(clientId, isOwn)
      if (problem !== undefined)
        throw new errors.InvalidClient('client_id metadata document not fetched', `its URL ${problem}`)
      if (!isAllowed(clientId))
        throw new errors.InvalidClient('client_id metadata document not fetched', 'its host is not allowed')
      const unfetchable = fetchProblem(clientId, { allowLoopback })
      if (unfetchable !== undefined)
        throw new errors.InvalidClient('client_id metadata document not fetched', unfetchable)
      const wait = await limit.admit(clientId, clientId, context)
      if (wait > 0) throw slowDown(503, 'too many client_id metadata documents at the moment', wait)
      return true
    },
  }
}

/**
 * Everything that the library fetches: metadata documents, which it caches itself, and the key sets that they
 * name. It would fetch those with each assertion, so they are cached here for a minute, separately for each
 * client, and the remaining fetches are limited like those of documents. Fetches for approved clients do not
 * wait for strangers' fetches.
 */
export function libraryFetch(
  ports: Pick<
    AuthorizationServerSettings,
    'fetchSafely' | 'fetchForApproved' | 'rateLimit' | 'artifacts' | 'clock'
  >,
): NonNullable<Configuration['fetch']> {
  const keySets = new LRUCache<string, Promise<Response>>({ max: keptKeySets, ttl: keySetMilliseconds })
  const documentLimit = fetchLimit(ports, 'documents')
  const keySetLimit = fetchLimit(ports, 'key-sets')

  const fetchFor = async (isApproved: Promise<boolean>, url: string): Promise<Response> =>
    (await isApproved) ? ports.fetchForApproved(url) : ports.fetchSafely(url)
  const fetchDocument = keepDocuments((url) => fetchFor(documentLimit.count(url), url), ports.clock)

  const findKeySet = async (url: string): Promise<Response> => {
    const clientId = Provider.ctx?.oidc.client?.clientId
    const key = `${clientId}\0${url}`
    // Each request separately, so that none waits for one that is refused.
    const wait = keySets.has(key) ? 0 : await keySetLimit.admit(url, clientId)
    if (wait > 0) throw slowDown(503, 'too many key sets at the moment', wait)
    const running = keySets.get(key) ?? fetchFor(keySetLimit.count(clientId), url).then(tidyKeySet)
    keySets.set(key, running, { noUpdateTTL: true })
    try {
      return (await running).clone()
    } catch (error) {
      keySets.delete(key)
      throw error
    }
  }

  return async (input, init) => {
    if ((init?.method ?? 'GET') !== 'GET') throw new Error('the library sends something: it should only read')
    const url = input instanceof Request ? input.url : String(input)
    // The library sets this only for documents, whose URL is the id of their client.
    if (init?.redirect === 'manual') return tidyDocument(await fetchDocument(url))
    return findKeySet(url)
  }
}
