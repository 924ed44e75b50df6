import type { InteractionResults, Provider } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'
import { ScopeSet, withoutWildcard } from '../../core/scope.ts'
import type { Markup } from '../../http/page.ts'
import { errors } from '../library/library.ts'
import { consentPage } from '../pages/consent-page.ts'
import { accountPath, consentPath } from '../paths.ts'
import { blockedClients } from '../registration/blocked-clients.ts'
import { consentDigest } from '../registration/consent-digest.ts'
import { findClient } from '../registration/find-client.ts'
import { currentAccount } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from '../tokens/grants.ts'
import { askedNames, askedScopes, grantConsent } from './grant-consent.ts'
import { waitingClient } from './waiting-client.ts'

type Interaction = InstanceType<Provider['Interaction']>

/** Each authorization is a grant, so a user who signs in daily has hundreds of them. */
const grantsLookedAt = 10

/** The page on which a user decides about a client, and what follows from the decision. */
export interface ConsentStep {
  /**
   * What the form of the page belongs to: the request, and its client as the page describes it, since that may
   * describe itself in another way by the time of the decision. Throws InvalidClient if the client is blocked
   * or removed.
   */
  holder(interaction: Interaction): Promise<string>
  /** `csrf` is the token of the form. */
  show(interaction: Interaction, csrf: string): Promise<Markup>
  /**
   * The user's decision. Anything but approval is a refusal. Throws SessionNotFound if the session ends in
   * the meantime, and InvalidClient if the client is blocked or removed.
   */
  decide(interaction: Interaction, approved: boolean): Promise<InteractionResults>
}

/** The consent step of interactions. */
export function consentStep(provider: Provider, settings: AuthorizationServerSettings): ConsentStep {
  const allGrants = grants(settings)
  const blocked = blockedClients(settings)

  /**
   * What the account already lets the client do at a resource. What only old grants allow is shown as new.
   */
  const allowedBefore = async ({ accountId, clientId, resource }: Asking): Promise<ScopeSet> => {
    const latest = await allGrants.list(accountId, { clientId, most: grantsLookedAt })
    return new ScopeSet(latest.flatMap(({ resources }) => resources[resource] ?? []))
  }

  /** Whether the user's session, or the login in it, has ended during the decision. */
  const isOver = async ({ session }: Interaction): Promise<boolean> => {
    const found = session?.uid === undefined ? undefined : await provider.Session.findByUid(session.uid)
    if (found?.accountId === undefined || found.accountId !== session?.accountId) return true
    return (await currentAccount(settings.identity, found.accountId, found.loginTs)) === undefined
  }

  /** Asks the store, since another process may have blocked the client a moment ago. */
  const isGone = async (clientId: string): Promise<boolean> =>
    (await blocked.has(clientId)) || (await findClient(provider, clientId)) === undefined

  const whyOver = async (interaction: Interaction, clientId: string): Promise<Error | undefined> => {
    if (await isOver(interaction)) return new errors.SessionNotFound('the session ended meanwhile')
    if (await isGone(clientId)) return new errors.InvalidClient('the client was blocked or removed meanwhile')
    return undefined
  }

  return {
    async holder({ uid, params }) {
      const client = await findClient(provider, String(params['client_id']))
      if (client === undefined) throw new errors.InvalidClient('the client was blocked or removed meanwhile')
      return `${uid} ${consentDigest(client)}`
    },

    async show(interaction, csrf) {
      const asking = askingOf(interaction)
      const [client, account, allowed] = await Promise.all([
        waitingClient(provider, interaction),
        settings.identity.find(asking.accountId),
        allowedBefore(asking),
      ])
      const resource = settings.resources.find(asking.resource)
      const isAllowed = (scope: string): boolean => allowed.covers(withoutWildcard(scope))
      return consentPage(settings.site, {
        catalogue: settings.scopes,
        action: settings.site.path(consentPath(interaction.uid)),
        csrf,
        accountUrl: settings.site.url + accountPath,
        clientName: client.name,
        clientHost: client.host,
        accountName: displayText(account?.displayName ?? 'unknown'),
        answer: client.answer,
        warnings: client.warnings,
        resourceName: resource?.name ?? settings.site.url,
        resource: resource?.resource ?? settings.site.url,
        newScopes: asking.scopes.filter((scope) => !isAllowed(scope)),
        allowedScopes: asking.scopes.filter(isAllowed),
      })
    },

    async decide(interaction, approved) {
      const { accountId, clientId, redirectUri, resource, scopes } = askingOf(interaction)
      if (!approved) {
        // A user who refuses is asked again next time, whatever they agreed to before.
        await Promise.all([
          settings.stepUps.forget(clientId, accountId),
          settings.consents.forget(accountId, clientId),
        ])
        return { error: 'access_denied', error_description: 'the user did not let the client in' }
      }
      const client = await findClient(provider, clientId)
      const grantId = await grantConsent(provider, interaction)
      if (client !== undefined && redirectUri !== undefined) {
        await settings.rememberedConsents.remember({ accountId, client, redirectUri, resource, scopes })
      }
      // Whoever ends the session or the client at this moment has either found this grant, or is noticed here.
      const reason = await whyOver(interaction, clientId)
      if (reason === undefined) return { consent: { grantId } }
      await settings.consents.forget(accountId, clientId)
      await allGrants.revoke(grantId)
      throw reason
    },
  }
}

interface Asking {
  readonly accountId: string
  readonly clientId: string
  /** None if the client polls for the answer, as a device does. */
  readonly redirectUri: string | undefined
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Which client asks which user for what. */
function askingOf(interaction: Interaction): Asking {
  const { params, session } = interaction
  const asked = askedScopes(interaction)
  const { redirect_uri: redirectUri, resource: named } = params
  return {
    accountId: session?.accountId ?? '',
    clientId: String(params['client_id']),
    redirectUri: typeof redirectUri === 'string' ? redirectUri : undefined,
    resource: asked?.resource ?? (typeof named === 'string' ? named : ''),
    scopes: [...(asked?.scopes ?? []), ...askedNames(interaction)],
  }
}
