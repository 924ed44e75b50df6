import type { IncomingMessage } from 'node:http'
import type { errors, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { grantName } from '../core/secret.ts'
import { StoreAway } from '../core/store-away.ts'
import { libraryReason } from './library/library-reason.ts'
import { documentAddress } from './registration/document-url.ts'

/** What the library reports about a request while it works on it. */
export interface Note {
  clientId?: string | undefined
  subject?: string | undefined
  grantType?: string | undefined
  error?: string | undefined
  reason?: string | undefined
  /** What the reason is about: the address of a document that is refused. */
  specifics?: string | undefined
  fault?: boolean
  /** Which client could not be had, and why, whether or not the request is refused for that. */
  failure?: { readonly clientId: string; readonly error: unknown }
  /** Whether a code was issued. */
  granted?: boolean
  /** What was granted: scopes separated by spaces, the resource, and the name of the grant. */
  scope?: string | undefined
  resource?: string | undefined
  grant?: string | undefined
  /** The resource as the client wrote it, if tokens write it differently. */
  resourceAsked?: string
}

/** Notes about running requests. */
export interface Notes {
  of(req: IncomingMessage): Note
  /** Notes, for the request's log line, that the store was down, which is not an internal error. */
  storeAway(req: IncomingMessage, error: StoreAway): void
  /** Takes back that the library refused a request, which was answered after all. */
  withdraw(req: IncomingMessage): void
  /** Takes notes of a provider's events from now on. */
  listenTo(provider: Provider): void
}

type LibraryError = errors.OIDCProviderError

/** RFC 6749 section 4.1.2.1; also used by other endpoints. */
export const awayCode = 'temporarily_unavailable'

/**
 * Whether a text can be a grant type: a name or a URI (RFC 6749 appendix A.10). In a form with the wrong
 * separators, the value of `grant_type` is all of the form, with its secrets. Untrusted.
 */
function canBeGrantType(text: string): boolean {
  return /^[\w.:/-]{1,100}$/.test(text)
}

/** Listens to the library's events, so that each request can be described in one line when it is over. */
export function takeNotes(onFault: (error: Error) => void): Notes {
  const notes = new WeakMap<IncomingMessage, Note>()
  const of = (req: IncomingMessage): Note => {
    const known = notes.get(req)
    if (known !== undefined) return known
    const fresh: Note = {}
    notes.set(req, fresh)
    return fresh
  }
  const identify = (context: KoaContextWithOIDC): Note => {
    const note = of(context.req)
    note.clientId = context.oidc.client?.clientId ?? note.clientId
    const { account, session, entities } = context.oidc
    note.subject = account?.accountId ?? session?.accountId ?? entities.AccessToken?.accountId ?? note.subject
    const grantType = context.oidc.params?.['grant_type']
    if (typeof grantType === 'string' && canBeGrantType(grantType)) note.grantType = grantType
    return note
  }
  const failed = (context: KoaContextWithOIDC, error: LibraryError): void => {
    const note = identify(context)
    const grantId = context.oidc.entities.Grant?.jti
    if (grantId !== undefined) note.grant = grantName(grantId)
    note.error = error.error
    note.reason = libraryReason(error)
    note.specifics = note.failure?.error === error ? documentAddress(note.failure.clientId) : undefined
  }
  const succeeded = (context: KoaContextWithOIDC): Note => {
    const note = identify(context)
    const {
      AccessToken: token,
      AuthorizationCode: code,
      ClientCredentials: machine,
      Grant: grant,
    } = context.oidc.entities
    const issued = token ?? machine ?? code
    note.scope = issued?.scope
    const resource = token?.aud ?? machine?.aud ?? code?.resource
    note.resource = Array.isArray(resource) ? resource[0] : resource
    note.grant = grant?.jti === undefined ? undefined : grantName(grant.jti)
    return note
  }
  const granted = (context: KoaContextWithOIDC): void => {
    const note = succeeded(context)
    note.granted = note.scope !== undefined
  }

  const storeAway = (req: IncomingMessage, { message }: StoreAway): void => {
    Object.assign(of(req), { error: awayCode, reason: message, fault: true })
  }

  const withdraw = (req: IncomingMessage): void => {
    Object.assign(of(req), { error: undefined, reason: undefined })
  }

  const listenTo = (provider: Provider): void => {
    // These two emit no event when they succeed.
    provider.use(async (context, next) => {
      await next()
      const { oidc } = context as Partial<KoaContextWithOIDC>
      if (oidc?.route === 'revocation' || oidc?.route === 'introspection')
        identify(context as KoaContextWithOIDC)
    })
    provider.on('authorization.error', failed)
    provider.on('grant.error', failed)
    provider.on('pushed_authorization_request.error', failed)
    provider.on('device_authorization.error', failed)
    provider.on('code_verification.error', failed)
    provider.on('device_resume.error', failed)
    provider.on('registration_create.error', failed)
    provider.on('revocation.error', failed)
    provider.on('introspection.error', failed)
    provider.on('grant.success', succeeded)
    provider.on('pushed_authorization_request.success', succeeded)
    provider.on('device_authorization.success', succeeded)
    provider.on('registration_create.success', succeeded)
    provider.on('interaction.started', succeeded)
    provider.on('authorization.success', granted)
    provider.on('server_error', (context, error) => {
      if (error instanceof StoreAway) {
        identify(context)
        return storeAway(context.req, error)
      }
      Object.assign(identify(context), { error: 'server_error', reason: error.message, fault: true })
      onFault(error)
    })
  }
  return { of, storeAway, withdraw, listenTo }
}
