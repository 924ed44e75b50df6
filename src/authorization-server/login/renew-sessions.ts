import type { Provider } from 'oidc-provider'

type Session = InstanceType<Provider['Session']>
type LoginDetails = Parameters<Session['loginAccount']>[0]

/** How the library marks a session that began with this request. */
interface Fresh {
  readonly new?: true
}

/**
 * Gives a session a new identifier only when somebody logs in. The library does so whenever an authorization
 * request continues, which breaks the other requests that the same browser has under way, since they come
 * with the previous identifier. To prevent session fixation, the login is what matters.
 */
export function renewSessionsAtLogin(provider: Provider): void {
  const { prototype } = provider.Session
  const login: (this: Session, details: LoginDetails) => void = Reflect.get(prototype, 'loginAccount')
  const renew: (this: Session) => void = Reflect.get(prototype, 'resetIdentifier')
  prototype.loginAccount = function loginAccount(this: Session & Fresh, details: LoginDetails): void {
    // The library repeats a login at each later step of its authorization request.
    const isRepeated = this.accountId === details.accountId && this.loginTs === details.loginTs
    login.call(this, details)
    // Nobody knows the identifier of a session that has just begun, and nothing is stored under it.
    if (!isRepeated && this.new !== true) renew.call(this)
  }
  prototype.resetIdentifier = () => undefined
}
