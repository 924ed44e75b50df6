import { type Clock, isRecent } from '../core/clock.ts'
import { type ErrorCode, Refusal } from '../core/errors.ts'
import type { Connector, UpstreamRequest } from './contract.ts'

/** Whose requests are refused: everybody's, those of one person, or nobody's. */
export type CircuitState = 'open' | 'open for one' | 'closed'

interface BreakerOptions {
  /** This many failures without a success in between open the circuit. */
  readonly failures: number
  /**
   * How long it stays open. Then one request tries the server, and another one each time this period has
   * passed.
   */
  readonly restSeconds: number
  readonly clock: Clock
  /** Called when the circuit opens, for all or for one person alone, and when it closes. */
  readonly onChange: (state: CircuitState) => void
  /** Who a principal is, whatever client they use. */
  readonly personOf: (principal: string) => string
}

/** Errors that show that a server is down. A server that answers with an error is up. */
const absences: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_interrupted',
  'upstream_timeout',
])

/** Statuses with which a proxy in front of a server answers when the server is down. */
const isAbsence = (status: number): boolean => status >= 502 && status <= 504

/**
 * Spares a server that does not answer, and the callers that would wait for it: after some failures requests
 * are refused at once (`upstream_resting`), until one that was let through has been answered. If the server
 * could be reached, and nobody else's requests have failed, what one person asks may be the cause: then only
 * that person's requests are refused.
 */
export function breaker(connector: Connector, options: BreakerOptions): Connector {
  const { failures, restSeconds, clock, onChange, personOf } = options
  let failed = 0
  const restMilliseconds = restSeconds * 1000
  let triedAt = 0
  /** Whose requests alone have failed; undefined if several people's have, or if it was nobody's. */
  let suspect: string | undefined
  let state: CircuitState = 'closed'
  /** A request tries the server, and has shown nothing yet. */
  let isTrying = false

  const become = (next: CircuitState): void => {
    if (state === next) return
    state = next
    onChange(next)
  }
  const success = (): void => {
    become('closed')
    failed = 0
    isTrying = false
  }
  const failure = (person: string | undefined): void => {
    suspect = failed === 0 || suspect === person ? person : undefined
    failed++
    isTrying = false
    if (failed < failures) return
    triedAt = clock.now()
    become(suspect === undefined ? 'open' : 'open for one')
  }

  /** A try that showed nothing, since its client left or has only notified, keeps nobody else from trying. */
  const over = (): void => {
    if (isTrying) triedAt = Number.NEGATIVE_INFINITY
  }
  const mayPass = ({ principal }: UpstreamRequest): boolean =>
    failed < failures || (suspect !== undefined && personOf(principal) !== suspect)

  return {
    // Waits for the end without holding on to what a stream no longer needs, as an awaiting function would.
    send(request, reply) {
      if (!mayPass(request)) {
        if (isRecent(clock, triedAt, restMilliseconds)) {
          const wait = triedAt + restMilliseconds - clock.now()
          const retryAfterSeconds = Math.ceil(wait / 1000)
          return Promise.reject(new Refusal('upstream_resting', { retryAfterSeconds }))
        }
        triedAt = clock.now()
        isTrying = true
      }
      const { accept } = reply
      const { principal } = request // not the request itself, which a stream no longer needs
      let hasBegun = false
      const told = (error: unknown): never => {
        if (!hasBegun && error instanceof Refusal && absences.has(error.code))
          failure(error.code === 'upstream_unreachable' ? undefined : personOf(principal))
        throw error
      }
      const sent = connector.send(request, {
        ...reply,
        accept(status, headers) {
          hasBegun = true
          if (isAbsence(status)) failure(personOf(principal))
          // A notification that goes to nobody, or only into a queue, is accepted without the server.
          else if (status !== 202) success()
          return accept(status, headers)
        },
      })
      return sent.then(over, told)
    },
    close: () => connector.close(),
  }
}
