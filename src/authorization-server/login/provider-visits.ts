import type { Provider } from 'oidc-provider'
import { digest, randomToken, secretsEqual } from '../../core/secret.ts'
import type { LoginAttempt } from '../../identity/provider-contract.ts'
import { cookieNames, longCookie } from '../cookies.ts'
import { errors } from '../library/library.ts'
import type { Visit } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** A browser that is at an identity provider, and where it goes on when it comes back. */
interface ProviderVisit extends LoginAttempt {
  readonly provider: string
  /** The authorization request that the login belongs to; undefined for the account pages. */
  readonly uid: string | undefined
  /** The account page that required the login. */
  readonly next: string | undefined
  /** Whether the user must log in at the provider again. */
  readonly fresh: boolean
  /** The digest of the browser's cookie value. */
  readonly binding: string
}

interface KeptVisit extends ProviderVisit {
  /** In milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Visits of browsers to identity providers. Each ends once, in the browser in which it began, within ten
 * minutes.
 */
export interface ProviderVisits {
  /** Begins a visit, only after the user has agreed to it: the browser gets its cookie here. */
  begin(visit: Visit, to: Pick<ProviderVisit, 'provider' | 'uid' | 'next' | 'fresh'>): Promise<LoginAttempt>
  /** What a `state` belongs to, before anyone has shown that it is theirs. Untrusted input. */
  find(state: string): Promise<Pick<ProviderVisit, 'uid' | 'next'> | undefined>
  /**
   * Ends the visit of this browser. `isFirst` is true for one caller only, who may redeem what the provider
   * gave: the browser drops its cookie with the answer, so another call means that this answer was lost.
   * Throws SessionNotFound for a `state` that is unknown, over, or of another browser, provider or
   * authorization request.
   */
  end(
    visit: Visit,
    of: { state: string; provider: string; uid: string | undefined },
  ): Promise<ProviderVisit & { readonly isFirst: boolean }>
}

const model = 'ProviderVisit'
const visitMilliseconds = 600_000

/** Visits over the store, where every replica finds them. */
export function providerVisits(
  provider: Provider,
  { artifacts, clock, site }: AuthorizationServerSettings,
): ProviderVisits {
  const cookieOf = (state: string): string => cookieNames(site).visit + digest(state).slice(0, 12)
  const cookie = { ...longCookie(site), signed: false }

  return {
    async begin({ req, res }, to) {
      const attempt = { state: randomToken(), nonce: randomToken(), verifier: randomToken(48) }
      const proof = randomToken()
      const expiresAt = clock.now() + visitMilliseconds
      const payload: KeptVisit = { ...attempt, ...to, binding: digest(proof), expiresAt }
      await artifacts.put({ model, id: attempt.state, payload: { ...payload }, expiresAt })
      provider
        .createContext(req, res)
        .cookies.set(cookieOf(attempt.state), proof, { ...cookie, maxAge: visitMilliseconds })
      return attempt
    },
    async find(state) {
      const found = await artifacts.find(model, state)
      return found?.payload as ProviderVisit | undefined
    },
    async end({ req, res }, { state, provider: name, uid }) {
      const { cookies } = provider.createContext(req, res)
      const proof = cookies.get(cookieOf(state), { signed: false }) ?? ''
      const found = (await artifacts.find(model, state))?.payload as KeptVisit | undefined
      // Before it is taken: whoever learns a state can neither use it nor use it up.
      const isTheirs = found !== undefined && secretsEqual(digest(proof), found.binding)
      if (!isTheirs) throw new errors.SessionNotFound('no visit of this browser')
      if (found.provider !== name || found.uid !== uid)
        throw new errors.SessionNotFound('a visit to somewhere else')
      cookies.set(cookieOf(state), null, cookie)
      if (found.expiresAt <= clock.now()) throw new errors.SessionNotFound('a visit that is over')
      return { ...found, isFirst: await artifacts.consume(model, state) }
    },
  }
}
