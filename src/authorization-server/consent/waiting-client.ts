import type { Provider } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'
import type { WaitingClient } from '../pages/provider-form.ts'
import { displayedClientName } from '../registration/client-name.ts'
import { documentHost } from '../registration/document-url.ts'
import { findClient } from '../registration/find-client.ts'
import { consentWarnings, displayedHost } from './consent-warnings.ts'

type Interaction = InstanceType<Provider['Interaction']>

/** The client of an authorization request, as shown to users before they sign in, and when they decide. */
export async function waitingClient(provider: Provider, { params }: Interaction): Promise<WaitingClient> {
  const clientId = String(params['client_id'])
  const name = displayedClientName(await findClient(provider, clientId))
  const host = documentHost(clientId)
  const { redirect_uri: redirectUri } = params
  const redirect = typeof redirectUri === 'string' ? new URL(redirectUri) : undefined
  return {
    name,
    host,
    answer: redirect && { host: displayedHost(redirect), uri: displayText(redirect.href, 200) },
    warnings: consentWarnings({ clientName: name, clientHost: host, redirect }),
  }
}
