import type { InteractionResults, Provider } from 'oidc-provider'
import { consentStep } from '../consent/consent-step.ts'
import { otherUser } from '../consent/policy.ts'
import { waitingClient } from '../consent/waiting-client.ts'
import { type Form, pageForms } from '../forms.ts'
import { errors } from '../library/library.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, pageApp, sendMarkup, visitOf } from '../page-app.ts'
import { consentPath, interactionPath, loginPaths } from '../paths.ts'
import { endSession, type Login } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { loginDesk } from './login-desk.ts'

type Interaction = InstanceType<Provider['Interaction']>

/** Why somebody who is signed in, here or at their identity provider, has to sign in again. */
const asksAnew: ReadonlySet<string> = new Set(['login_prompt', 'max_age', otherUser])

/** The pages on which a person logs in and decides. Each belongs to one authorization request and one browser. */
export function interactionPages(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): PageApp {
  const { site } = settings
  const forms = pageForms(provider, settings)
  const csrfOf = (interaction: Interaction): string => forms.token(interaction.uid)
  const consent = consentStep(provider, settings)
  const login = loginDesk(provider, settings, notes)
  const pages = pageApp(settings, notes)
  const steps = loginPaths(interactionPath(':uid'))

  /** Loads this browser's interaction for this page, which its cookie names. Throws SessionNotFound. */
  const load = async (context: PageContext): Promise<Interaction> => {
    const interaction = await provider.interactionDetails(context.env.incoming, context.env.outgoing)
    if (interaction.uid !== context.req.param('uid')) throw new errors.SessionNotFound('another page')
    return interaction
  }

  const loadForPost = async (context: PageContext): Promise<{ interaction: Interaction; form: Form }> => {
    const interaction = await load(context)
    return { interaction, form: forms.read(context, interaction.uid) }
  }

  /** Continues with the authorization request. A refusal discards what was decided before. */
  const finish = async (
    context: PageContext,
    interaction: Interaction,
    result: InteractionResults,
  ): Promise<Response> => {
    interaction.result = 'error' in result ? result : { ...interaction.lastSubmission, ...result }
    await interaction.persist()
    return context.redirect(interaction.returnTo, 303)
  }

  const place = async (interaction: Interaction) => {
    const paths = loginPaths(interactionPath(interaction.uid))
    return {
      action: site.path(paths.login),
      passkeyAction: site.path(paths.passkey),
      providerAction: site.path(paths.provider),
      csrf: csrfOf(interaction),
      holder: interaction.uid,
      uid: interaction.uid,
      fresh: interaction.prompt.reasons.some((reason) => asksAnew.has(reason)),
      waiting: await waitingClient(provider, interaction),
    }
  }

  /** The library does not allow a login into another user's session, so that session is ended first. */
  const finishLogin = async (context: PageContext, interaction: Interaction, { account, loginTs }: Login) => {
    const { accountId } = await provider.Session.get(
      provider.createContext(context.env.incoming, context.env.outgoing),
    )
    if (accountId !== undefined && accountId !== account.id) {
      await endSession(provider, site, visitOf(context))
      delete interaction.session
      await interaction.persist()
    }
    return finish(context, interaction, { login: { accountId: account.id, ts: loginTs } })
  }

  pages.get(interactionPath(':uid'), async (context) => {
    const interaction = await load(context)
    return interaction.prompt.name === 'login'
      ? login.show(context, await place(interaction))
      : sendMarkup(context, await consent.show(interaction, forms.token(await consent.holder(interaction))))
  })

  for (const [path, check] of [
    [steps.login, login.check],
    [steps.passkey, login.checkPasskey],
  ] as const) {
    pages.post(path, async (context) => {
      const { interaction, form } = await loadForPost(context)
      const answer = await check(context, await place(interaction), form)
      return answer instanceof Response ? answer : finishLogin(context, interaction, answer)
    })
  }

  pages.post(steps.provider, async (context) => {
    const { interaction, form } = await loadForPost(context)
    if (form['decision'] !== 'deny') return login.handOff(context, await place(interaction), form)
    const note = notes.of(context.env.incoming)
    note.error = 'access_denied'
    const description = 'the user did not want to sign in'
    return finish(context, interaction, { error: 'access_denied', error_description: description })
  })

  pages.get(steps.callback(':provider'), async (context) => {
    const interaction = await load(context)
    const answer = await login.checkProvider(
      context,
      await place(interaction),
      context.req.param('provider') ?? '',
    )
    return answer instanceof Response ? answer : finishLogin(context, interaction, answer)
  })

  pages.post(consentPath(':uid'), async (context) => {
    const interaction = await load(context)
    const form = forms.read(context, await consent.holder(interaction))
    const note = notes.of(context.env.incoming)
    note.clientId = String(interaction.params['client_id'])
    note.subject = interaction.session?.accountId
    const result = await consent.decide(interaction, form['decision'] === 'approve')
    if (typeof result['error'] === 'string') note.error = result['error']
    return finish(context, interaction, result)
  })

  // A page that answers a form has the address of that form's target, which may be opened again.
  for (const path of [steps.login, steps.passkey, steps.provider, consentPath(':uid')])
    pages.get(path, (context) =>
      context.redirect(site.path(interactionPath(context.req.param('uid') ?? '')), 303),
    )

  return pages
}
