import type { Provider } from 'oidc-provider'
import { pageHeaders } from '../http/page.ts'
import type { Account, LoginRefused } from '../identity/contract.ts'
import { type LoginProvider, ProviderAway } from '../identity/provider-contract.ts'
import { advicePage } from './error-page.ts'
import type { Form } from './forms.ts'
import { errors } from './library.ts'
import type { Notes } from './notes.ts'
import { type PageContext, sendMarkup, textOf, visitOf } from './page-app.ts'
import { providerAwayPage } from './pages/provider-form.ts'
import { type ProviderVisits, providerVisits } from './provider-visits.ts'
import { requestIdOf } from './request-id.ts'
import { keptRequests } from './request-limits.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** Where a visit to a provider belongs. */
interface VisitPlace {
  /** The authorization request; undefined for a person's pages. */
  readonly uid: string | undefined
  /** The page that wanted the login. */
  readonly next?: string | undefined
  /** Whether the person must log in at the provider anew. */
  readonly fresh: boolean
}

/** The way to identity providers and back. */
export interface ProviderDesk {
  /** In the order in which they are offered; empty where there are none. */
  readonly providers: readonly LoginProvider[]
  /**
   * Sends a browser to the provider that its form names, when the form has been found to be ours; or to a page, where there
   * are too many.
   */
  handOff(context: PageContext, form: Form, place: VisitPlace): Promise<Response>
  /** Where the visit of a callback belongs. Throws SessionNotFound for an unknown one. */
  placeOf(context: PageContext): Promise<{ uid: string | undefined; next: string | undefined }>
  /** Who came back, at the provider of this name. Resolves to a page where the provider does not answer. */
  receive(
    context: PageContext,
    of: { name: string; uid: string | undefined },
  ): Promise<Account | LoginRefused | Response>
  /** Where somebody who has signed out here goes on to sign out at their provider; undefined where nowhere. */
  logoutUrl(context: PageContext, provider: string | undefined): Promise<URL | undefined>
}

/** Builds the desk of an installation. */
export function providerDesk(
  library: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): ProviderDesk {
  const { federation, site } = settings
  const visits: ProviderVisits = providerVisits(library, settings)
  const begun = keptRequests(settings, 'provider-visits')
  const providers = federation?.providers ?? []

  const find = (name: string): LoginProvider => {
    const provider = providers.find((one) => one.name === name)
    if (provider === undefined) throw new errors.SessionNotFound('no such provider')
    return provider
  }

  const sayAway = async (
    context: PageContext,
    { name, label }: LoginProvider,
    error: unknown,
  ): Promise<Response> => {
    if (!(error instanceof ProviderAway)) throw error
    Object.assign(notes.of(context.env.incoming), {
      error: 'provider_unavailable',
      reason: `${name}: ${error.message}`,
      fault: true,
    })
    return sendMarkup(context, providerAwayPage(site, label, requestIdOf(context.env.incoming)), 503)
  }

  const sayWait = async (context: PageContext, seconds: number): Promise<Response> => {
    const { incoming } = context.env
    const reason = 'too many visits to identity providers at the moment'
    Object.assign(notes.of(incoming), { error: 'temporarily_unavailable', reason })
    const headers = { ...pageHeaders, 'Retry-After': String(seconds) }
    return sendMarkup(context, advicePage(site, 'too_many_logins', requestIdOf(incoming)), 429, headers)
  }

  /** Each visit is kept, also of somebody who is sent there once more. */
  const send = async (
    context: PageContext,
    provider: LoginProvider,
    { uid, next, fresh }: VisitPlace,
  ): Promise<Response> => {
    const wait = await begun.take(context.env.incoming)
    if (wait > 0) return sayWait(context, wait)
    try {
      const attempt = await visits.begin(visitOf(context), { provider: provider.name, uid, next, fresh })
      return context.redirect((await provider.authorizationUrl(attempt, fresh)).href, 303)
    } catch (error) {
      return sayAway(context, provider, error)
    }
  }

  return {
    providers,
    async handOff(context, form, place) {
      return send(context, find(textOf(form['provider'])), place)
    },
    async placeOf(context) {
      const found = await visits.find(stateOf(context))
      if (found === undefined) throw new errors.SessionNotFound('no such visit')
      return found
    },
    async receive(context, { name, uid }) {
      const provider = find(name)
      const ended = await visits.end(visitOf(context), { state: stateOf(context), provider: name, uid })
      // The process that was first has told nobody what came of it, and the provider redeems its code once. The person is
      // signed in there by now, so they come back without having been asked.
      if (!ended.isFirst) return send(context, provider, ended)
      if (federation === undefined) throw new errors.SessionNotFound('no such provider')
      try {
        return await federation.finish(provider, queryOf(context), ended)
      } catch (error) {
        return sayAway(context, provider, error)
      }
    },
    async logoutUrl(context, name) {
      try {
        return await providers.find((one) => one.name === name)?.logoutUrl()
      } catch (error) {
        if (!(error instanceof ProviderAway)) throw error
        // The session here is over all the same.
        notes.of(context.env.incoming).reason = `${name}: ${error.message}`
        return undefined
      }
    },
  }
}

/** The parameters of a callback, to the letter. Untrusted. */
export function queryOf({ req }: PageContext): string {
  return new URL(req.url).search.slice(1)
}

function stateOf(context: PageContext): string {
  const [state = '', ...more] = context.req.queries('state') ?? []
  if (more.length > 0) throw new errors.SessionNotFound('two states')
  return state
}
