import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Provider } from 'oidc-provider'
import { keyedDigest, secretsEqual } from '../core/secret.ts'
import { displayText, pageHeaders } from '../http/page.ts'
import { connectedClients } from './connected-clients.ts'
import { expiredPage, faultPage } from './error-page.ts'
import { grants } from './grants.ts'
import type { Notes } from './notes.ts'
import { accountPage } from './pages/account-page.ts'
import { requestIdOf } from './request-id.ts'
import { loginLocation, type SignedIn, signedIn } from './session.ts'
import type { AuthorizationServerSettings } from './settings.ts'

type PageContext = Context<{ Bindings: HttpBindings }>

/** Where a person sees which clients they let in. */
export const accountPath = '/account'
/** Where the form goes that ends the access of a client. */
export const revokePath = `${accountPath}/revoke`

const maxFormBytes = 16 * 1024

/** The pages on which a person sees what they granted, and takes it back. */
export function accountPages(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): Hono<{ Bindings: HttpBindings }> {
  const allGrants = grants(settings)
  const csrfKey = settings.secret.derive('csrf/account')
  const csrfOf = ({ session }: SignedIn): string => keyedDigest(csrfKey, session.uid)
  const pages = new Hono<{ Bindings: HttpBindings }>()
  pages.use(bodyLimit({ maxSize: maxFormBytes }))

  const whoIs = async (context: PageContext): Promise<SignedIn | undefined> => {
    const { incoming, outgoing } = context.env
    const person = await signedIn(provider, settings.identity, incoming, outgoing)
    notes.of(incoming).subject = person?.accountId
    return person
  }

  pages.get(accountPath, async (context) => {
    const person = await whoIs(context)
    if (person === undefined) return context.redirect(loginLocation(accountPath), 303)
    const standing = await allGrants.list(person.accountId)
    const page = accountPage({
      accountName: displayText(person.account.displayName),
      action: revokePath,
      csrf: csrfOf(person),
      clients: await connectedClients(provider, settings.resources, standing),
      links: [{ href: '/logout', text: 'Sign out' }],
    })
    return context.html(String(await page), 200, pageHeaders)
  })

  pages.post(revokePath, async (context) => {
    const { incoming } = context.env
    const person = await whoIs(context)
    const form = await context.req.parseBody({ all: true })
    const { csrf, client_id: clientId } = form
    const origin = context.req.header('origin')
    const isOurs = origin === undefined || settings.origins.includes(origin)
    if (person === undefined || !isOurs || typeof csrf !== 'string' || typeof clientId !== 'string') {
      return refuse(context)
    }
    if (!secretsEqual(csrf, csrfOf(person))) return refuse(context)
    notes.of(incoming).clientId = clientId
    // In this order: what is being granted by memory at this moment is then either seen as a grant, or not granted.
    await settings.consents.forget(person.accountId, clientId)
    await allGrants.revokeAll(person.accountId, clientId)
    return context.redirect(accountPath, 303)
  })

  pages.onError(async (error, context) => {
    settings.onFault(error)
    notes.of(context.env.incoming).fault = true
    return context.html(await faultPage(requestIdOf(context.env.incoming)), 500, pageHeaders)
  })

  return pages

  async function refuse(context: PageContext): Promise<Response> {
    notes.of(context.env.incoming).error = 'session_not_found'
    return context.html(await expiredPage(requestIdOf(context.env.incoming)), 400, pageHeaders)
  }
}
