import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { FetchRefused } from '../../http/safe-fetch.ts'
import { documentBytes } from './tidy-document.ts'

interface Kept {
  readonly body: ArrayBuffer
  readonly at: number
}

/** As long as the library would cache a document that asks for it. */
const longestMilliseconds = 24 * 3600 * 1000
const mostKept = 500

/**
 * Keeps the documents of clients for times when their host does not answer, so that its outage signs nobody
 * out (RFC 5861 section 4). A document that is gone, or redirects elsewhere, is dropped here as well.
 */
export function keepDocuments(
  fetch: (url: string) => Promise<Response>,
  clock: Clock,
): (url: string) => Promise<Response> {
  const documents = new LRUCache<string, Kept>({ max: mostKept })
  const keep = async (url: string, response: Response): Promise<void> => {
    const body = await response.arrayBuffer()
    const mayBeKept = !/no-store|no-cache/i.test(response.headers.get('cache-control') ?? '')
    if (mayBeKept && body.byteLength <= documentBytes) documents.set(url, { body, at: clock.now() })
    else documents.delete(url)
  }
  return async (url) => {
    try {
      const response = await fetch(url)
      await keep(url, response.clone())
      return response
    } catch (error) {
      if (!(error instanceof FetchRefused && error.passing)) {
        documents.delete(url)
        throw error
      }
      const kept = documents.get(url)
      if (kept !== undefined && clock.now() - kept.at < longestMilliseconds) return new Response(kept.body)
      throw error
    }
  }
}
