import type { Provider } from 'oidc-provider'

type Interaction = InstanceType<Provider['Interaction']>

/** The resource and the scopes that a person is asked for: what the page shows is what is granted, nothing else. */
export function askedScopes({ prompt }: Interaction): { resource: string; scopes: string[] } | undefined {
  const missing = prompt.details['missingResourceScopes'] as Record<string, string[]> | undefined
  const [first] = Object.entries(missing ?? {})
  return first === undefined ? undefined : { resource: first[0], scopes: first[1] }
}

/** The scopes of OpenID Connect that a person is asked for. */
export function askedNames({ prompt }: Interaction): readonly string[] {
  return (prompt.details['missingOIDCScope'] as string[] | undefined) ?? []
}

/** Records what the user agreed to as a grant of its own and returns its id. */
export async function grantConsent(provider: Provider, interaction: Interaction): Promise<string> {
  const grant = new provider.Grant({
    accountId: interaction.session?.accountId ?? '',
    clientId: String(interaction.params['client_id']),
  })
  const names = askedNames(interaction)
  if (names.length > 0) grant.addOIDCScope(names.join(' '))
  const asked = askedScopes(interaction)
  if (asked !== undefined) grant.addResourceScope(asked.resource, asked.scopes.join(' '))
  return grant.save()
}
