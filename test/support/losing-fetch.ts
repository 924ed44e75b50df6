/**
 * A `fetch` that loses an answer from a matching path and repeats the request, as a load balancer or a user
 * does.
 */
export interface LosingFetch {
  readonly send: typeof fetch
  /** How many were lost. */
  readonly lost: () => number
}

/**
 * Loses the answer to one request: the `which`th to a matching path, from 1. `meanwhile` happens before it is
 * repeated.
 */
export function losingFetch(
  path: RegExp,
  { which = 1, meanwhile = () => undefined }: { which?: number; meanwhile?: () => unknown } = {},
): LosingFetch {
  let seen = 0
  let lost = 0
  const send: typeof fetch = async (target, init) => {
    const answer = await fetch(target, init)
    if (!path.test(new URL(String(target)).pathname) || ++seen !== which) return answer
    await answer.body?.cancel()
    lost++
    meanwhile()
    return fetch(target, init)
  }
  return { send, lost: () => lost }
}
