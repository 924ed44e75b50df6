import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { Refusal } from '../../core/errors.ts'
import type { Connector, SessionRenewal, UpstreamRequest } from '../contract.ts'
import { passedHeaders } from '../conversation/passed-headers.ts'
import { endSession, openSession, type SessionTarget } from '../streamable/open-session.ts'
import type { HeldSession, Successors } from './successors.ts'

interface RenewingOptions extends SessionTarget {
  readonly connector: Connector
  readonly successors: Successors
}

/** A request in a session that may be renewed. */
interface Renewable {
  readonly request: UpstreamRequest
  readonly renewal: SessionRenewal
  readonly held: HeldSession
}

const maxKnown = 10_000
/** How often a session may have been replaced since a replica last saw it. */
const maxSteps = 8

/**
 * The connector for a legacy Streamable HTTP server that may forget a session. It says so with a 404 before
 * it has done anything, so the session is opened again as its client once opened it, and the request is
 * repeated in the new one. Which session replaces which is settled once for all replicas; a process only
 * remembers it.
 */
export function renewingConnector({ connector, successors, ...target }: RenewingOptions): Connector {
  const known = new LRUCache<string, string>(atMost(maxKnown))
  const opening = new Map<string, Promise<string | undefined>>()

  /** Opens a session to replace a lost one. Undefined if the server no longer agrees to the same terms. */
  const open = async ({ request, renewal, held }: Renewable): Promise<string | undefined> => {
    const headers = passedHeaders(request.headers)
    const opened = await openSession(
      target,
      JSON.parse(renewal.initialize) as Record<string, unknown>,
      headers,
    )
    if (opened === undefined) return undefined
    if (opened.revision === renewal.revision) {
      if (await successors.settle(held, { session: opened.id }, renewal.until)) return opened.id
    }
    await endSession(target, opened, headers)
    return settled(held)
  }

  const settled = async (held: HeldSession): Promise<string | undefined> => {
    const successor = await successors.find(held)
    return typeof successor === 'object' ? successor.session : undefined
  }

  /** Everyone who waits for the successor of the same session shares it. */
  const openOnce = (lost: Renewable): Promise<string | undefined> => {
    const key = keyOf(lost.held)
    const running = opening.get(key) ?? open(lost).finally(() => opening.delete(key))
    opening.set(key, running)
    return running
  }

  /** Prevents any further replacement of a session. Returns the session that it is by now. */
  const keep = async (first: HeldSession, until: number): Promise<string> => {
    let held = first
    for (let step = 0; step < maxSteps; step++) {
      if (await successors.settle(held, 'none', until)) break
      const next = await settled(held)
      if (next === undefined) break
      held = { ...held, session: next }
    }
    return held.session
  }

  return {
    async send(request, reply) {
      const { session: first, renewal, principal } = request
      if (first === undefined || renewal === undefined) return connector.send(request, reply)
      const key = keyOf({ principal, session: first })
      let session = known.get(key) ?? first
      if (renewal.by === 'nothing') session = await keep({ principal, session }, renewal.until)
      let isOpened = false
      for (let step = 0; ; step++) {
        try {
          return await connector.send(session === first ? request : { ...request, session }, reply)
        } catch (error) {
          if (!(error instanceof Refusal && error.code === 'session_unknown')) throw error
          const held = { principal, session }
          const mayOpen = renewal.by === 'repeating' && !isOpened
          const successor = await successors.find(held)
          if (successor === undefined && mayOpen) {
            isOpened = true
            session = (await openOnce({ request, renewal, held })) ?? session
          } else if (typeof successor === 'object') session = successor.session
          if (session === held.session || step === maxSteps) throw error
          known.set(key, session)
        }
      }
    },
    close: () => connector.close(),
  }
}

function keyOf({ principal, session }: HeldSession): string {
  return `${principal}\n${session}`
}
