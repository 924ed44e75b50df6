import type { AdapterPayload, Provider } from 'oidc-provider'
import type { SessionAdapter } from './adapter.ts'

type Session = InstanceType<Provider['Session']>

/** A session as it was found in the store. */
interface Stored {
  /** The identifier under which it was there. */
  readonly storedAs?: string
}

/**
 * Leaves sessions ended that end while a request of theirs is running. The library reads a session when a request begins
 * and writes it when that ends, so that whoever has a request under way, which may wait for somebody else's server, would
 * bring back what was signed out meanwhile. A session that was found is written only where it still is; one that has
 * just begun, or got a new identifier by a login, is written anyway.
 */
export function leaveEndedSessions({ Session }: Provider): void {
  const every = Session.adapter as SessionAdapter
  const found: SessionAdapter = {
    ...every,
    upsert: (id, payload, expiresIn?: number) => every.replace(id, payload, expiresIn),
  }
  const instantiate: (payload?: AdapterPayload) => Session = Reflect.get(Session, 'instantiate')
  Object.assign(Session, {
    instantiate(payload?: AdapterPayload): Session {
      const session = instantiate.call(Session, payload)
      Object.defineProperty(session, 'storedAs', { value: payload?.jti })
      return session
    },
  })
  Object.defineProperty(Session.prototype, 'adapter', {
    get(this: Session & Stored) {
      return this.storedAs === this.jti ? found : every
    },
  })
}
