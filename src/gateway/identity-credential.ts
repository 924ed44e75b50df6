import type { UpstreamCredential } from '../upstream/contract.ts'
import type { IdentityTokens } from './identity-token.ts'

/** The gateway's own identity token as the credential for a server, which is named by `audience`. */
export function identityCredential(identity: IdentityTokens, audience: string): UpstreamCredential {
  return {
    headers(principal) {
      const minted = identity.mint(principal, audience)
      return minted instanceof Promise ? minted.then(({ headers }) => headers) : minted.headers
    },
  }
}
