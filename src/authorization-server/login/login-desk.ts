import type { Provider } from 'oidc-provider'
import { type Markup, pageHeaders } from '../../http/page.ts'
import type { Account, LoginRefused } from '../../identity/contract.ts'
import { addressOf } from '../caller-address.ts'
import type { Form } from '../forms.ts'
import type { Notes } from '../notes.ts'
import { type PageContext, sendMarkup, textOf, visitOf } from '../page-app.ts'
import {
  closedLoginPage,
  developmentLoginPage,
  localLoginPage,
  providerLoginPage,
} from '../pages/login-page.ts'
import { providerForm, type WaitingClient } from '../pages/provider-form.ts'
import { type Login, loginOf } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { knownBrowsers } from './known-browser.ts'
import { providerDesk } from './provider-desk.ts'

/** Where somebody is asked to log in. */
interface LoginPlace {
  /** Where the form is posted. */
  readonly action: string
  /** Where the answer of a passkey is posted. */
  readonly passkeyAction: string
  /** The token of its forms. */
  readonly csrf: string
  /** Where the form that leads to an identity provider is posted. */
  readonly providerAction: string
  /** The holder of the challenges for passkeys. */
  readonly holder: string
  /** The client that wants to connect. */
  readonly waiting?: WaitingClient | undefined
  /** The authorization request that the login is for, if there is one. */
  readonly uid?: string | undefined
  /** The account page that required the login. */
  readonly next?: string | undefined
  /** Whether the client wants the user to log in again. */
  readonly fresh: boolean
}

type Check = (context: PageContext, place: LoginPlace, form: Form) => Promise<Login | Response>

/** The login, wherever it is asked for. */
export interface LoginDesk {
  readonly show: (context: PageContext, place: LoginPlace) => Promise<Response>
  /** Checks a posted login. Resolves to the user, or to the page with the refusal. */
  readonly check: Check
  readonly checkPasskey: Check
  /** Sends the browser to the identity provider that a posted form names. */
  readonly handOff: (context: PageContext, place: LoginPlace, form: Form) => Promise<Response>
  /** Checks what a browser brought back from the identity provider of this name. */
  readonly checkProvider: (context: PageContext, place: LoginPlace, name: string) => Promise<Login | Response>
}

const developmentName = 'dev_user_123'

/** Builds the login of an installation. Every attempt is noted, for the log and the audit. */
export function loginDesk(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): LoginDesk {
  const { identity, loginForm, local, clock, site } = settings
  const browsers = knownBrowsers(provider, settings)
  const desk = providerDesk(provider, settings, notes)
  const passkeys = local?.passkeys.unavailable === undefined ? local?.passkeys : undefined

  const page = async (place: LoginPlace, name: string, problem?: string): Promise<Markup> => {
    const { providers } = desk
    const elsewhere =
      providers.length === 0 ? undefined : providerForm({ ...place, action: place.providerAction, providers })
    const shown = { ...place, clientName: place.waiting?.name, name, problem, elsewhere }
    if (loginForm === 'none')
      return elsewhere === undefined ? closedLoginPage(site) : providerLoginPage(site, shown)
    if (loginForm === 'development') return developmentLoginPage(site, shown)
    const passkeyOptions = await passkeys?.startLogin(place.holder)
    return localLoginPage(site, { ...shown, passkeyOptions })
  }

  const decide = async (
    context: PageContext,
    place: LoginPlace,
    { name, answer, begunAt }: { name: string; answer: Account | LoginRefused; begunAt: number },
  ): Promise<Login | Response> => {
    const note = notes.of(context.env.incoming)
    if (!('refused' in answer)) {
      note.subject = answer.id
      if (loginForm === 'local' && answer.provider === undefined) browsers.remember(visitOf(context), answer)
      return loginOf(answer, begunAt)
    }
    note.error = 'login_refused'
    note.reason = answer.reason
    const { retryAfterSeconds: wait } = answer
    return sendMarkup(context, await page(place, name, answer.refused), wait === undefined ? 422 : 429, {
      ...pageHeaders,
      ...(wait === undefined ? {} : { 'Retry-After': String(wait) }),
    })
  }

  return {
    show: async (context, place) =>
      sendMarkup(context, await page(place, loginForm === 'development' ? developmentName : '')),
    async check(context, place, form) {
      const name = textOf(form['name'])
      const begunAt = clock.now()
      const answer = await identity.login({
        name,
        password: textOf(form['password']),
        address: addressOf(context.env.incoming),
        known: browsers.read(visitOf(context)),
      })
      return decide(context, place, { name, answer, begunAt })
    },
    async checkPasskey(context, place, form) {
      const credential = textOf(form['credential'])
      const { holder } = place
      const begunAt = clock.now()
      const answer = (await passkeys?.finishLogin({ credential, holder })) ?? noPasskeys
      return decide(context, place, { name: '', answer, begunAt })
    },
    handOff: (context, { uid, next, fresh }, form) => desk.handOff(context, form, { uid, next, fresh }),
    async checkProvider(context, place, name) {
      const begunAt = clock.now()
      const answer = await desk.receive(context, { name, uid: place.uid })
      return answer instanceof Response ? answer : decide(context, place, { name: '', answer, begunAt })
    },
  }
}

const noPasskeys: LoginRefused = { refused: 'There are no passkeys here.' }
