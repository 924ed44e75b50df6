import type { Configuration } from 'oidc-provider'
import { rateLimit } from '../../http/rate-limit.ts'
import type { SafeFetch } from '../../http/safe-fetch.ts'
import { errors } from '../library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { documentUrlProblem } from './document-url.ts'
import { slowDown } from './slow-down.ts'

type Feature = NonNullable<NonNullable<Configuration['features']>['clientIdMetadataDocument']>

/** The draft that oidc-provider implements: the text must be this one, or its constructor throws. */
const draft = 'draft-02'
/** A person may take minutes over login and consent, and the document is needed at every step of them. */
const cacheSeconds = { min: 300, max: 24 * 3600 }
const perMinute = { everybody: 600, host: 120 }

/** Client ID metadata documents: which ones are fetched. The library checks and caches them. */
export function documentFeature(settings: AuthorizationServerSettings): Feature {
  const { enabled, allowedHosts } = settings.registration.documents
  const ownHosts = settings.origins.map((origin) => new URL(origin).host)
  const ofAll = rateLimit({ points: perMinute.everybody, seconds: 60 })
  const ofHost = rateLimit({ points: perMinute.host, seconds: 60 })
  const isAllowed = (clientId: string): boolean =>
    allowedHosts === undefined || allowedHosts.includes(new URL(clientId).hostname)
  const feature = {
    enabled,
    ack: draft,
    cacheDuration: cacheSeconds,
    async allowFetch(_context: unknown, clientId: string): Promise<boolean> {
      const problem = documentUrlProblem(clientId, ownHosts)
      if (problem !== undefined)
        throw new errors.InvalidClient('client_id metadata document not fetched', `its URL ${problem}`)
      if (!isAllowed(clientId))
        throw new errors.InvalidClient('client_id metadata document not fetched', 'its host is not allowed')
      const wait = (await ofHost.take(new URL(clientId).hostname)) || (await ofAll.take('all'))
      if (wait > 0) throw slowDown(503, 'too many client_id metadata documents at the moment', wait)
      return true
    },
  }
  return feature
}

/** Everything that the library fetches: metadata documents and the key sets that they name. */
export function libraryFetch(fetchSafely: SafeFetch): NonNullable<Configuration['fetch']> {
  return async (input, init) => {
    if ((init?.method ?? 'GET') !== 'GET') throw new Error('the library sends something: it should only read')
    return fetchSafely(input instanceof Request ? input.url : String(input))
  }
}
