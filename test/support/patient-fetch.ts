/** An answer of the gate that somebody got. */
export interface Acknowledged {
  readonly requestId: string
  readonly what: string
}

/** `fetch` as clients and people use it behind a balancer: what the balancer could not bring anywhere is sent again. */
export interface PatientFetch {
  readonly send: typeof fetch
  /** How many requests were sent again. */
  readonly retries: () => number
  /** Answers to decisions: posts, and redirects that carry a code. */
  readonly acknowledged: readonly Acknowledged[]
}

const attempts = 40
const pauseMilliseconds = 50
const idOf = (response: Response): string | null => response.headers.get('x-request-id')

/**
 * Makes one. Sent again is what had no answer, and what the balancer answered in the place of a gateway; a fault that a
 * gateway answers is for the caller.
 */
export function patientFetch(): PatientFetch {
  const acknowledged: Acknowledged[] = []
  let retries = 0
  const send: typeof fetch = async (target, init) => {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(target, init).catch((error: unknown) => {
        if (attempt === attempts || init?.signal?.aborted === true) throw error
      })
      const isOfGate = response !== undefined && (response.status < 500 || idOf(response) !== null)
      if (response !== undefined && (isOfGate || attempt === attempts)) {
        note(response, init?.method ?? 'GET', String(target))
        return response
      }
      retries++
      await response?.body?.cancel()
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds))
    }
  }
  const note = (response: Response, method: string, url: string): void => {
    const requestId = idOf(response)
    const location = response.headers.get('location') ?? ''
    if (requestId === null || !(method === 'POST' || /[?&]code=/.test(location))) return
    acknowledged.push({ requestId, what: `${method} ${new URL(url).pathname} ${response.status}` })
  }
  return { send, retries: () => retries, acknowledged }
}
