import type { AdapterPayload, Provider } from 'oidc-provider'
import type { SessionAdapter } from '../library/adapter.ts'

type Session = InstanceType<Provider['Session']>

interface Stored {
  /** The identifier under which a session was found in the store; undefined for one that has just begun. */
  storedAs?: string
  /** The identifier before a login changed it. */
  readonly oldId?: string
}

/**
 * Keeps sessions ended that end while a request of theirs is running. The library reads a session when a
 * request begins and writes it when the request ends, so a running request, which may be waiting for somebody
 * else's server, would bring back a session that was signed out in the meantime. A session that was found is
 * written only if it still exists. That includes a login that changes its identifier, for which the library
 * removes it and stores it anew.
 */
export function keepSessionsEnded({ Session }: Provider): void {
  const store = Session.adapter as SessionAdapter
  const instantiate: (payload?: AdapterPayload) => Session = Reflect.get(Session, 'instantiate')
  Object.assign(Session, {
    instantiate(payload?: AdapterPayload): Session {
      const session = instantiate.call(Session, payload)
      Object.defineProperty(session, 'storedAs', { value: payload?.jti, writable: true })
      return session
    },
  })
  const storeWhileItExists = (session: Session & Stored, storedAs: string): SessionAdapter => ({
    ...store,
    async upsert(id, payload, expiresIn?: number) {
      await store.replace(storedAs, id, payload, expiresIn)
      session.storedAs = id
    },
    async destroy(id) {
      if (id !== session.oldId) await store.destroy(id)
    },
  })
  Object.defineProperty(Session.prototype, 'adapter', {
    get(this: Session & Stored) {
      return this.storedAs === undefined ? store : storeWhileItExists(this, this.storedAs)
    },
  })
}
