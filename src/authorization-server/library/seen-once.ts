import type { Provider } from 'oidc-provider'

/**
 * Thrown when an identifier that may be used once is stored, and another request has stored it since it was
 * looked up.
 */
export class SeenBefore extends Error {}

/**
 * Makes the library treat a `jti` that comes twice concurrently like one that comes again, each with its own
 * error: a proof (RFC 9449 section 11.1), or an assertion of a client (RFC 7523 section 3).
 */
export function refuseSeenBefore({ ReplayDetection }: Provider): void {
  const unique = ReplayDetection.unique.bind(ReplayDetection)
  ReplayDetection.unique = async (...seen) => {
    try {
      return await unique(...seen)
    } catch (error) {
      if (error instanceof SeenBefore) return false
      throw error
    }
  }
}
