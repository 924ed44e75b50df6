import type { Provider } from 'oidc-provider'

type Interaction = InstanceType<Provider['Interaction']>

/** Records what the user agreed to as a grant of its own and returns its id. */
export async function grantConsent(provider: Provider, interaction: Interaction): Promise<string> {
  const { details } = interaction.prompt
  const grant = new provider.Grant({
    accountId: interaction.session?.accountId ?? '',
    clientId: String(interaction.params['client_id']),
  })
  const scopes = details['missingOIDCScope'] as string[] | undefined
  if (scopes !== undefined) grant.addOIDCScope(scopes.join(' '))
  const claims = details['missingOIDCClaims'] as string[] | undefined
  if (claims !== undefined) grant.addOIDCClaims(claims)
  const resources = (details['missingResourceScopes'] as Record<string, string[]> | undefined) ?? {}
  for (const [resource, missing] of Object.entries(resources))
    grant.addResourceScope(resource, missing.join(' '))
  return grant.save()
}
