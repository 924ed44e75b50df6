import type { Provider } from 'oidc-provider'

type Interaction = InstanceType<Provider['Interaction']>

/** The resource and the scopes that a user is asked for: exactly what the page shows is granted. */
export function askedScopes({ prompt }: Interaction): { resource: string; scopes: string[] } | undefined {
  const missing = prompt.details['missingResourceScopes'] as Record<string, string[]> | undefined
  const [first] = Object.entries(missing ?? {})
  return first === undefined ? undefined : { resource: first[0], scopes: first[1] }
}

/** The OpenID Connect scopes that a user is asked for. */
export function askedNames({ prompt }: Interaction): readonly string[] {
  return (prompt.details['missingOIDCScope'] as string[] | undefined) ?? []
}

/** Records what the user agreed to as a separate grant, and returns its id. */
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
