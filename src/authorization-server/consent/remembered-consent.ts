import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import { ScopeSet, withoutWildcard } from '../../core/scope.ts'
import { leadsInside } from '../../http/special-use.ts'
import type { ConsentQuestion, ConsentStore } from '../../storage/consent-contract.ts'
import { consentDigest } from '../registration/consent-digest.ts'

/** What a user agrees to when approving a client. */
interface Agreement {
  readonly accountId: string
  readonly client: Client
  readonly redirectUri: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Consent that need not be asked for again. */
export interface RememberedConsents {
  /** Remembers it if that is safe. */
  remember(agreement: Agreement): Promise<void>
  /**
   * Grants what this authorization request asks for if its user has agreed to all of it before. A request
   * with `prompt=consent`, with more scopes, from another host, or from a client that describes itself
   * differently now, is left to the page. Resolves to whether it did.
   */
  grantRemembered(context: KoaContextWithOIDC): Promise<boolean>
}

interface RememberedConsentsPorts {
  readonly consents: ConsentStore
  readonly clock: Clock
  /** 0: nothing is remembered. */
  readonly days: number
}

const dayMilliseconds = 24 * 3600 * 1000

/** Remembered consent over the store. */
export function rememberedConsents({ consents, clock, days }: RememberedConsentsPorts): RememberedConsents {
  const covers = async (agreement: Agreement): Promise<boolean> => {
    const question = questionOf(agreement)
    if (days === 0 || question === undefined || agreement.scopes.length === 0) return false
    const agreed = new ScopeSet(await consents.scopes(question))
    return agreement.scopes.every((scope) => agreed.covers(withoutWildcard(scope)))
  }

  return {
    async remember(agreement) {
      const question = questionOf(agreement)
      if (days === 0 || question === undefined) return
      await consents.remember(question, agreement.scopes, clock.now() + days * dayMilliseconds)
    },
    async grantRemembered(context) {
      const { oidc } = context
      const agreement = agreementAsked(context)
      if (agreement === undefined || !(await covers(agreement))) return false
      const { accountId, client, resource, scopes } = agreement
      const grant = new oidc.provider.Grant({ accountId, clientId: client.clientId })
      const names = oidc.requestParamOIDCScopes
      if (names.size > 0) grant.addOIDCScope([...names].join(' '))
      grant.addResourceScope(resource, scopes.filter((scope) => !names.has(scope)).join(' '))
      await grant.save()
      // Whoever revokes the client's access at this moment has either found this grant, or is noticed here.
      if (!(await covers(agreement))) {
        await grant.destroy()
        return false
      }
      oidc.entity('Grant', grant)
      oidc.session?.ensureClientContainer(client.clientId)
      oidc.session?.grantIdFor(client.clientId, grant.jti)
      return true
    },
  }
}

/**
 * What to remember of an agreement, or undefined if it must not be remembered: any program on a user's
 * computer can impersonate another one there (RFC 8252 section 8.6), so clients with such an address, in any
 * spelling, ask every time.
 */
function questionOf({ accountId, client, redirectUri, resource }: Agreement): ConsentQuestion | undefined {
  const addresses = [redirectUri, ...(client.redirectUris ?? [])].map((uri) => URL.parse(uri))
  if (!addresses.every((url) => url?.protocol === 'https:' && !leadsInside(url.hostname))) return undefined
  return {
    accountId,
    clientId: client.clientId,
    redirectHost: new URL(redirectUri).origin,
    resource,
    clientDigest: consentDigest(client),
  }
}

/** What an authorization request asks for, unless its user must be asked anyway. */
function agreementAsked({ oidc }: KoaContextWithOIDC): Agreement | undefined {
  const { client, session, params, result, route } = oidc
  // Never for a device: its user and the user of this browser need not be the same person.
  if (route !== 'authorization' && route !== 'resume') return undefined
  if (client === undefined || session?.accountId === undefined || result?.consent !== undefined)
    return undefined
  const redirectUri = params?.['redirect_uri']
  const [named] = Object.entries(oidc.resourceServers ?? {})
  if (oidc.prompts.has('consent') || typeof redirectUri !== 'string' || named === undefined) return undefined
  const [resource, { scopes: available }] = named
  const scopes = [...oidc.requestParamScopes].filter(
    (scope) => available.has(scope) || oidc.requestParamOIDCScopes.has(scope),
  )
  return { accountId: session.accountId, client, redirectUri, resource, scopes }
}
