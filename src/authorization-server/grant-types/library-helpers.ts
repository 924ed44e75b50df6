import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

/** A DPoP proof that the token endpoint has accepted. */
interface AcceptedProof {
  readonly thumbprint: string
  readonly jti: string
}

/** The library's helpers for grants that we use. */
export interface GrantHelpers {
  /** Checks the proof of a request; undefined if there is none. Throws InvalidDpopProof and UseDpopNonce. */
  validateDpop(provider: Provider, context: KoaContextWithOIDC): Promise<AcceptedProof | undefined>
  /** Throws InvalidGrant for a proof that was used before. */
  checkDpopReplay(
    provider: Provider,
    context: KoaContextWithOIDC,
    proof: AcceptedProof | undefined,
    clientId: string,
  ): Promise<void>
  /** Throws InvalidGrant if the client's tokens must be bound and there was no proof. */
  checkDpopRequired(provider: Provider, context: KoaContextWithOIDC, proof: AcceptedProof | undefined): void
  /** Describes the resources that the request names. Throws InvalidTarget. */
  resolveRequestedResources(
    provider: Provider,
    context: KoaContextWithOIDC,
  ): Promise<readonly InstanceType<Provider['ResourceServer']>[]>
}
