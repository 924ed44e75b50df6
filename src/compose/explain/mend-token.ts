import type { Refusal } from '../../core/errors.ts'
import { userIdPrefix } from '../../core/user-id.ts'
import { requiredClaims } from '../../gateway/token/verify-jwt.ts'
import type { Sample } from './contract.ts'
import type { KnownIssuer } from './known-issuers.ts'

/** What is known about a token that is not accepted. */
export interface TokenContext {
  readonly refusal: Refusal
  readonly issuers: readonly KnownIssuer[]
  /** Undefined if it is none of them. */
  readonly issuer: KnownIssuer | undefined
  readonly sample: Sample
}

/** How to fix a token that is not accepted, by the reason that is also in the log. */
export function mendToken({ refusal, issuers, issuer, sample }: TokenContext): string[] {
  const { claims, header } = sample
  const setting = issuer?.description === undefined ? undefined : issuer.path
  switch (refusal.reason) {
    case 'token is malformed':
      return claims.iss === undefined ? [`the token names no issuer (iss): ${expected(issuers)}`] : []
    case 'token is from an unknown issuer':
      return [`the token is of ${JSON.stringify(claims.iss)}: ${expected(issuers)}, to the letter`]
    case 'token lacks a claim': {
      const absent = requiredClaims.filter((claim) => claims[claim] === undefined)
      return absent.length === 0
        ? ['a claim has another form than RFC 7519 gives it: sub is a text, exp, iat and nbf are numbers']
        : [`let the issuer put ${absent.join(', ')} into its access tokens`]
    }
    case 'token names a user of ours':
      return [
        `its sub is ${JSON.stringify(claims.sub)}, and what begins with ${userIdPrefix} is a user of our own authorization server: let the issuer name its subjects otherwise`,
      ]
    case 'token has unprintable characters in a name':
      return [
        'its sub, or the id of its client, has some, such as a line break: let the issuer name them otherwise',
      ]
    case 'token is for another resource':
      return setting === undefined
        ? ['let the client ask for this server: the parameter resource (RFC 8707)']
        : [
            `let the issuer put that into aud; or, where its tokens are for this server, name their aud in ${setting}.audiences`,
          ]
    case 'token expired':
      return ['take a token of now, or explain it as it was when it was made: --at issue']
    case 'token not valid yet':
      return ['its nbf lies ahead: wait, or set the clock right']
    case 'token lives too long':
      return ['let the issuer make access tokens that live for a week at most']
    case 'token is no access token':
      if (issuer?.introspection !== undefined)
        return [
          'the issuer says that it is a refresh token or an ID token: let the client send its access token',
        ]
      return [
        `tokens with the typ ${issuer?.tokenTypes.join(' or ')} count, this one has ${header?.typ ?? 'none that is known'}; ID tokens (nonce, at_hash) never do`,
        ...(setting === undefined ? [] : [`${setting}.tokenTypes says which ones are its access tokens`]),
      ]
    case 'token has a forbidden algorithm':
      return [
        `it is signed with ${header?.alg}: let the issuer use ${issuer?.algorithms?.join(' or ')} (${setting}.algorithms)`,
      ]
    case 'token comes without a proof':
      return [
        claims['cnf'] === undefined
          ? 'the server takes bound tokens alone (dpop: required): let the client ask for one with DPoP'
          : 'the token is bound to a key, and the server takes no proofs (dpop: off)',
      ]
    case 'token is bound in an unknown way':
      return ['cnf must have jkt alone (DPoP): a token that is bound to a certificate cannot be checked here']
    case 'token is not active':
      return ['the issuer says that it is over']
    default:
      return []
  }
}

function expected(issuers: readonly KnownIssuer[]): string {
  return `what counts is ${issuers.map(({ issuer, path }) => `${issuer} (${path})`).join(', ')}`
}
