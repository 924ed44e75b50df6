import type { Provider } from 'oidc-provider'
import type { Account, LoginRefused } from '../../identity/contract.ts'
import { type LoginProvider, ProviderAway } from '../../identity/provider-contract.ts'
import type { Form } from '../forms.ts'
import { errors } from '../library/library.ts'
import { awayCode, type Notes } from '../notes.ts'
import { type PageContext, sendAdvice, sendMarkup, textOf, visitOf } from '../page-app.ts'
import { providerAwayPage } from '../pages/provider-form.ts'
import { requestIdOf } from '../request-id.ts'
import { requestLimit } from '../requests/request-limits.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { type ProviderVisits, providerVisits } from './provider-visits.ts'

/** What a visit to a provider belongs to. */
interface VisitPlace {
  /** The authorization request; undefined for the account pages. */
  readonly uid: string | undefined
  /** The page that required the login. */
  readonly next?: string | undefined
  /** Whether the user must log in at the provider again. */
  readonly fresh: boolean
}

/** The way to identity providers and back. */
export interface ProviderDesk {
  /** In the order in which they are offered; empty if there are none. */
  readonly providers: readonly LoginProvider[]
  /**
   * Sends a browser to the provider that its form names, once the form has been found to be ours; or to a
   * page, if there are too many visits.
   */
  handOff(context: PageContext, form: Form, place: VisitPlace): Promise<Response>
  /** What the visit of a callback belongs to. Throws SessionNotFound for an unknown one. */
  placeOf(context: PageContext): Promise<{ uid: string | undefined; next: string | undefined }>
  /**
   * The user who came back from the provider of this name. Resolves to a page if the provider does not
   * answer.
   */
  receive(
    context: PageContext,
    of: { name: string; uid: string | undefined },
  ): Promise<Account | LoginRefused | Response>
  /** Where a user who has signed out here goes on to sign out at their provider; undefined if nowhere. */
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
  const limit = requestLimit(settings, 'provider-visits')
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
    const reason = 'too many visits to identity providers at the moment'
    Object.assign(notes.of(context.env.incoming), { error: awayCode, reason })
    return sendAdvice(context, site, { kind: 'too_many_logins', status: 429, retryAfterSeconds: seconds })
  }

  /** Each visit is recorded, also a repeated one. */
  const send = async (
    context: PageContext,
    provider: LoginProvider,
    { uid, next, fresh }: VisitPlace,
  ): Promise<Response> => {
    const wait = await limit.take(context.env.incoming)
    if (wait > 0) return sayWait(context, wait)
    try {
      const attempt = await visits.begin(visitOf(context), { provider: provider.name, uid, next, fresh })
      return context.redirect((await provider.authorizationUrl(attempt, { fresh })).href, 303)
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
      // The process that was first could not tell anyone the outcome, and the provider accepts its code only
      // once. The user is signed in there by now, so they come back without being asked.
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
        // The session here is over in any case.
        notes.of(context.env.incoming).reason = `${name}: ${error.message}`
        return undefined
      }
    },
  }
}

/** The parameters of a callback, unchanged. Untrusted. */
export function queryOf({ req }: PageContext): string {
  return new URL(req.url).search.slice(1)
}

function stateOf(context: PageContext): string {
  const [state = '', ...more] = context.req.queries('state') ?? []
  if (more.length > 0) throw new errors.SessionNotFound('two states')
  return state
}
