import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { InteractionResults, Provider } from 'oidc-provider'
import { isLoopbackHost } from '../core/resource.ts'
import { keyedDigest, secretsEqual } from '../core/secret.ts'
import { displayText, type Markup, pageHeaders } from '../http/page.ts'
import { interactionPath } from './configuration.ts'
import { expiredPage, faultPage } from './error-page.ts'
import { askedScopes, grantConsent } from './grant-consent.ts'
import { errors } from './library.ts'
import type { Notes } from './notes.ts'
import { consentPage } from './pages/consent-page.ts'
import { closedLoginPage, developmentLoginPage } from './pages/login-page.ts'
import { requestIdOf } from './request-id.ts'
import type { AuthorizationServerSettings } from './settings.ts'

type Interaction = InstanceType<Provider['Interaction']>
type Form = Readonly<Record<string, unknown>>
type PageContext = Context<{ Bindings: HttpBindings }>

const developmentName = 'dev_user_123'
const maxFormBytes = 16 * 1024

/** The pages on which a person logs in and decides. Each belongs to one authorization request and one browser. */
export function interactionPages(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): Hono<{ Bindings: HttpBindings }> {
  const csrfKey = settings.secret.derive('csrf')
  const csrfOf = (interaction: Interaction): string => keyedDigest(csrfKey, interaction.uid)
  const pages = new Hono<{ Bindings: HttpBindings }>()
  pages.use(bodyLimit({ maxSize: maxFormBytes }))

  /** Loads the interaction of this browser, which its cookie names, for this page. Throws SessionNotFound. */
  const load = async (context: PageContext): Promise<Interaction> => {
    const interaction = await provider.interactionDetails(context.env.incoming, context.env.outgoing)
    if (interaction.uid !== context.req.param('uid')) throw new errors.SessionNotFound('another page')
    return interaction
  }

  const loadForPost = async (context: PageContext): Promise<{ interaction: Interaction; form: Form }> => {
    const origin = context.req.header('origin')
    if (origin !== undefined && !settings.origins.includes(origin))
      throw new errors.SessionNotFound('foreign form')
    const interaction = await load(context)
    const form = await context.req.parseBody()
    if (!secretsEqual(textOf(form['csrf']), csrfOf(interaction)))
      throw new errors.SessionNotFound('wrong form token')
    return { interaction, form }
  }

  const finish = async (context: PageContext, result: InteractionResults): Promise<Response> => {
    const { incoming, outgoing } = context.env
    const replaces = 'error' in result
    const next = await provider.interactionResult(incoming, outgoing, result, {
      mergeWithLastSubmission: !replaces,
    })
    return context.redirect(next, 303)
  }

  pages.get(`${interactionPath}/:uid`, async (context) => {
    const interaction = await load(context)
    return send(
      context,
      await (interaction.prompt.name === 'login' ? showLogin(interaction) : showConsent(interaction)),
    )
  })

  pages.post(`${interactionPath}/:uid/login`, async (context) => {
    const { interaction, form } = await loadForPost(context)
    const name = textOf(form['name'])
    const account = await settings.identity.login({ name })
    if ('refused' in account) {
      notes.of(context.env.incoming).error = 'login_refused'
      return send(context, await showLogin(interaction, name, account.refused), 422)
    }
    notes.of(context.env.incoming).subject = account.id
    return finish(context, { login: { accountId: account.id } })
  })

  pages.post(`${interactionPath}/:uid/consent`, async (context) => {
    const { interaction, form } = await loadForPost(context)
    const note = notes.of(context.env.incoming)
    note.clientId = String(interaction.params['client_id'])
    note.subject = interaction.session?.accountId
    await settings.stepUps.forget(note.clientId, note.subject ?? '')
    if (form['decision'] === 'approve') {
      return finish(context, { consent: { grantId: await grantConsent(provider, interaction) } })
    }
    note.error = 'access_denied'
    return finish(context, {
      error: 'access_denied',
      error_description: 'the user did not let the client in',
    })
  })

  pages.notFound(async (context) =>
    context.html(await expiredPage(requestIdOf(context.env.incoming)), 404, pageHeaders),
  )
  pages.onError(async (error, context) => {
    const { incoming } = context.env
    if (!(error instanceof errors.SessionNotFound)) {
      settings.onFault(error)
      notes.of(incoming).fault = true
      return context.html(await faultPage(requestIdOf(incoming)), 500, pageHeaders)
    }
    notes.of(incoming).error = 'session_not_found'
    return context.html(await expiredPage(requestIdOf(incoming)), 400, pageHeaders)
  })

  return pages

  async function showLogin(
    interaction: Interaction,
    name = developmentName,
    problem?: string,
  ): Promise<Markup> {
    if (settings.loginForm === 'none') return closedLoginPage()
    return developmentLoginPage({
      action: `${interactionPath}/${interaction.uid}/login`,
      csrf: csrfOf(interaction),
      clientName: await clientNameOf(interaction),
      name,
      problem,
    })
  }

  async function showConsent(interaction: Interaction): Promise<Markup> {
    const redirectUri = interaction.params['redirect_uri']
    // A device has none: it asks for the answer.
    const redirect = typeof redirectUri === 'string' ? new URL(redirectUri) : undefined
    const account = await settings.identity.find(interaction.session?.accountId ?? '')
    const asked = askedScopes(interaction)
    const resource = settings.resources.find(asked?.resource ?? textOf(interaction.params['resource']))
    return consentPage({
      action: `${interactionPath}/${interaction.uid}/consent`,
      csrf: csrfOf(interaction),
      clientName: await clientNameOf(interaction),
      accountName: displayText(account?.displayName ?? 'unknown'),
      redirectHost: redirect && (redirect.host || redirect.protocol),
      redirectsToLoopback: redirect !== undefined && isLoopbackHost(redirect.hostname),
      resourceName: resource?.name ?? settings.issuer,
      resource: resource?.resource ?? settings.issuer,
      scopes: asked?.scopes ?? [],
    })
  }

  async function clientNameOf(interaction: Interaction): Promise<string> {
    const client = await provider.Client.find(String(interaction.params['client_id']))
    return displayText(client?.clientName ?? '') || 'A program without a name'
  }
}

/** A field of a form, or a parameter, as text; the empty text for what is no text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

async function send(context: PageContext, page: Markup, status: 200 | 422 = 200): Promise<Response> {
  return context.html(String(await page), status, pageHeaders)
}
