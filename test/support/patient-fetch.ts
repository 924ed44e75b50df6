import { expectedEvent } from './expected-event.ts'
import { answeredBy } from './nginx.ts'

/** An answer of the gateway that was received, and the event that the audit must have for it. */
export interface Acknowledged {
  readonly requestId: string
  readonly event: string
  readonly what: string
}

/**
 * `fetch` as clients and users use it behind a load balancer: what the balancer could not deliver is sent
 * again.
 */
export interface PatientFetch {
  readonly send: typeof fetch
  /** How many requests were sent again. */
  readonly retries: () => number
  /** How many the balancer itself passed to another gateway, after the first one did not answer. */
  readonly passedOn: () => number
  /** Answers to decisions. */
  readonly acknowledged: readonly Acknowledged[]
  /** How often each code was answered with tokens. */
  readonly redeemed: ReadonlyMap<string, number>
}

const attempts = 40
const pauseMilliseconds = 50
const idOf = (response: Response): string | null => response.headers.get('x-request-id')

/**
 * Creates one. A request is repeated if it had no answer, or one from the balancer in place of a gateway; an
 * error answer of a gateway is for the caller.
 */
export function patientFetch(): PatientFetch {
  const acknowledged: Acknowledged[] = []
  const redeemed = new Map<string, number>()
  let retries = 0
  let passedOn = 0
  const send: typeof fetch = async (target, init) => {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(target, init).catch((error: unknown) => {
        if (attempt === attempts || init?.signal?.aborted === true) throw error
      })
      if ((response?.headers.get(answeredBy) ?? '').includes(',')) passedOn++
      const isOfGate = response !== undefined && (response.status < 500 || idOf(response) !== null)
      if (response !== undefined && (isOfGate || attempt === attempts)) {
        note(response, new URL(String(target)), init)
        return response
      }
      retries++
      await response?.body?.cancel()
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds))
    }
  }
  const note = (response: Response, url: URL, init: RequestInit | undefined): void => {
    const requestId = idOf(response)
    const method = init?.method ?? 'GET'
    const event = expectedEvent({ method, url, response })
    if (requestId === null || event === undefined) return
    acknowledged.push({ requestId, event, what: `${method} ${url.pathname} ${response.status}` })
    const code = init?.body instanceof URLSearchParams ? init.body.get('code') : null
    if (event === 'oauth.token' && response.status === 200 && code !== null)
      redeemed.set(code, (redeemed.get(code) ?? 0) + 1)
  }
  return { send, retries: () => retries, passedOn: () => passedOn, acknowledged, redeemed }
}
