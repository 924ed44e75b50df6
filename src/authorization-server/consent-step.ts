import type { InteractionResults, Provider } from 'oidc-provider'
import { isLoopbackHost } from '../core/resource.ts'
import { displayText, type Markup } from '../http/page.ts'
import { displayedClientName } from './client-name.ts'
import { interactionPath } from './configuration.ts'
import { askedScopes, grantConsent } from './grant-consent.ts'
import { consentPage } from './pages/consent-page.ts'
import type { AuthorizationServerSettings } from './settings.ts'

type Interaction = InstanceType<Provider['Interaction']>

/** The page on which a person decides about a client, and what follows from the decision. */
export interface ConsentStep {
  /** `csrf` is the token of the form. */
  show(interaction: Interaction, csrf: string): Promise<Markup>
  /** What the person decided. Everything but approval is a refusal. */
  decide(interaction: Interaction, approved: boolean): Promise<InteractionResults>
}

/** The consent of interactions. */
export function consentStep(provider: Provider, settings: AuthorizationServerSettings): ConsentStep {
  return {
    async show(interaction, csrf) {
      const redirect = new URL(String(interaction.params['redirect_uri']))
      const account = await settings.identity.find(interaction.session?.accountId ?? '')
      const asked = askedScopes(interaction)
      const resource = settings.resources.find(
        asked?.resource ?? String(interaction.params['resource'] ?? ''),
      )
      return consentPage({
        action: `${interactionPath}/${interaction.uid}/consent`,
        csrf,
        clientName: displayedClientName(await provider.Client.find(String(interaction.params['client_id']))),
        accountName: displayText(account?.displayName ?? 'unknown'),
        redirectHost: redirect.host || redirect.protocol,
        redirectsToLoopback: isLoopbackHost(redirect.hostname),
        resourceName: resource?.name ?? settings.issuer,
        resource: resource?.resource ?? settings.issuer,
        scopes: asked?.scopes ?? [],
      })
    },

    async decide(interaction, approved) {
      const clientId = String(interaction.params['client_id'])
      await settings.stepUps.forget(clientId, interaction.session?.accountId ?? '')
      if (!approved) {
        return { error: 'access_denied', error_description: 'the user did not let the client in' }
      }
      return { consent: { grantId: await grantConsent(provider, interaction) } }
    },
  }
}
