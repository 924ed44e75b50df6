import type { Provider } from 'oidc-provider'

type Session = InstanceType<Provider['Session']>
type LoginDetails = Parameters<Session['loginAccount']>[0]

/** How the library marks a session that began with this request. */
interface Fresh {
  readonly new?: true
}

/**
 * Gives a session a new identifier when somebody logs in, and at no other time. The library renews it whenever an
 * authorization request goes on, which ends the others that the same browser has under way: they come with the
 * identifier of a moment ago. Against fixation it is the login that counts.
 */
export function renewSessionsAtLogin(provider: Provider): void {
  const { prototype } = provider.Session
  const login: (this: Session, details: LoginDetails) => void = Reflect.get(prototype, 'loginAccount')
  const renew: (this: Session) => void = Reflect.get(prototype, 'resetIdentifier')
  prototype.loginAccount = function loginAccount(this: Session & Fresh, details: LoginDetails): void {
    // The library repeats a login at each later step of its authorization request.
    const isRepeated = this.accountId === details.accountId && this.loginTs === details.loginTs
    login.call(this, details)
    // Nobody knows the identifier of one that has just begun, and nothing is stored under it.
    if (!isRepeated && this.new !== true) renew.call(this)
  }
  prototype.resetIdentifier = () => undefined
}
