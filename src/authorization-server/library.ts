import type { KoaContextWithOIDC, Provider as LibraryProvider } from 'oidc-provider'

/** A DPoP proof that the token endpoint has accepted. */
interface AcceptedProof {
  readonly thumbprint: string
  readonly jti: string
}

interface GrantHelpers {
  /** Checks the proof of a request; undefined where there is none. Throws InvalidDpopProof and UseDpopNonce. */
  validateDpop(provider: LibraryProvider, context: KoaContextWithOIDC): Promise<AcceptedProof | undefined>
  /** Throws InvalidGrant for a proof that was used before. */
  checkDpopReplay(
    provider: LibraryProvider,
    context: KoaContextWithOIDC,
    proof: AcceptedProof | undefined,
    clientId: string,
  ): Promise<void>
  /** Throws InvalidGrant where the client's tokens must be bound and no proof came. */
  checkDpopRequired(
    provider: LibraryProvider,
    context: KoaContextWithOIDC,
    proof: AcceptedProof | undefined,
  ): void
  /** Describes the resources that the request names. Throws InvalidTarget. */
  resolveRequestedResources(
    provider: LibraryProvider,
    context: KoaContextWithOIDC,
  ): Promise<readonly InstanceType<LibraryProvider['ResourceServer']>[]>
}

/**
 * The one place where oidc-provider is loaded. It warns of every Node that has no LTS name yet, although it runs on
 * it: the whole test suite does. Everything else that it has to say is passed on.
 */
const { console: output } = globalThis
const warn = output.warn.bind(output)
output.warn = (...texts: unknown[]): void => {
  if (!String(texts[0]).includes('Unsupported runtime')) warn(...texts)
}
const library = await import('oidc-provider')
/** What the library's own grants are made of: no part of its public interface, so its exact version is pinned. */
const grantsModule: string = 'oidc-provider/lib/helpers/grants.js'
const helpers = (await import(grantsModule)) as GrantHelpers
output.warn = warn

/** The helpers for grants that are registered from outside (RFC 9449 section 5, RFC 8707 section 2.2). */
export const grantHelpers = helpers

export const { Provider, errors, interactionPolicy } = library
