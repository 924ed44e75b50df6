import type { Provider } from 'oidc-provider'
import { randomToken, sealer } from '../../core/secret.ts'
import type { Account, KnownBrowser } from '../../identity/contract.ts'
import { cookieNames, longCookie } from '../cookies.ts'
import type { Visit } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** Remembers who signed in with a browser, so that somebody else's guesses do not lock them out of it. */
export interface KnownBrowsers {
  /** What the browser's cookie says, if we made it. Untrusted input. */
  read(visit: Visit): KnownBrowser | undefined
  /** Gives the browser a cookie that says who has just signed in, or has ended all other logins. */
  remember(visit: Visit, account: Account): void
}

const purpose = 'known-browser'
const rememberedMilliseconds = 180 * 24 * 3600 * 1000

/** Known browsers in a sealed cookie, which grants no access: it only affects the limit on attempts. */
export function knownBrowsers(
  provider: Provider,
  { secret, site, clock }: AuthorizationServerSettings,
): KnownBrowsers {
  const seals = sealer(secret.derive(purpose))
  const name = cookieNames(site).known
  return {
    read({ req, res }) {
      const sealed = provider.createContext(req, res).cookies.get(name, { signed: false })
      const text = sealed === undefined ? undefined : seals.open(sealed, purpose)
      const known = text === undefined ? undefined : (JSON.parse(text) as KnownBrowser)
      return known !== undefined && known.since + rememberedMilliseconds > clock.now() ? known : undefined
    },
    remember({ req, res }, { id: accountId, loginsSince = 0 }) {
      // Earlier logins may have ended slightly after the present time, since other clocks may be ahead.
      const since = Math.max(clock.now(), loginsSince)
      const known: KnownBrowser = { id: randomToken(16), accountId, since }
      provider.createContext(req, res).cookies.set(name, seals.seal(JSON.stringify(known), purpose), {
        ...longCookie(site),
        signed: false,
        maxAge: rememberedMilliseconds,
      })
    },
  }
}
