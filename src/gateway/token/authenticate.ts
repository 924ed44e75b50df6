import { Refusal } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Call } from '../call.ts'
import { challengeScopes, scopesFor } from '../challenge-scopes.ts'
import type { Upstream } from '../upstream.ts'
import { invalidToken } from './token-refusals.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { ProofVerifier } from './verify-proof.ts'

interface AuthenticationPorts {
  readonly tokens: TokenVerifier
  readonly proofs: ProofVerifier
}

/** For client and operator. What was sent instead is not repeated: it may be the token alone. */
function wayToSend({ dpop: policy }: Upstream): string {
  const scheme = policy === 'required' ? 'DPoP' : 'Bearer'
  return `the Authorization header must be ${scheme}, a space and the access token`
}

/** An access token as it was sent. Untrusted. */
interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP'
  /** Undefined if it cannot be a token (RFC 6750 section 2.1). */
  readonly token: string | undefined
}

/**
 * Identifies the caller by the access token of this very request (MCP authorization, "Token Handling"):
 * - the token is in the Authorization header, once; one in the query is ignored, or refused if there is also
 *   one in the header;
 * - it must be valid, for this resource, and not revoked;
 * - a token that is bound to a key needs the scheme DPoP and a proof, and no other token may have them
 *   (RFC 9449 section 7).
 * Throws `token_missing`, `token_invalid`, `proof_invalid` and `proof_nonce_needed` with the challenge for
 * the client, or `token_repeated`.
 */
export async function authenticate(
  ports: AuthenticationPorts,
  upstream: Upstream,
  exchange: Exchange,
): Promise<Principal> {
  const credentials = readCredentials(exchange, upstream)
  if (credentials === undefined) {
    const isElsewhere = exchange.head.authorization !== undefined || inQuery.test(exchange.query)
    const way = isElsewhere ? wayToSend(upstream) : undefined
    const told = way === undefined ? {} : { explain: way, specifics: way }
    throw new Refusal('token_missing', { ...told, challenge: await challenge(ports, upstream, exchange) })
  }
  const { scheme, token } = credentials
  try {
    if (token === undefined) throw invalidToken('token is malformed')
    const principal = await ports.tokens.verify(token, upstream.resource, exchange.address)
    if (scheme === 'DPoP') await checkProof(ports.proofs, principal, token, exchange)
    else if (needsProof(principal, upstream)) throw invalidToken('token comes without a proof')
    return principal
  } catch (error) {
    const code = error instanceof Refusal ? challenged[error.code] : undefined
    if (!(error instanceof Refusal) || code === undefined) throw error
    const description = `${error.reason} (request ${exchange.requestId})`
    throw new Refusal(error.code, {
      ...error.detail,
      challenge: { ...(await challenge(ports, upstream, exchange)), error: code, description },
    })
  }
}

/**
 * Refuses a caller whose token has ended in the meantime. Throws `token_invalid` with the challenge for the
 * client.
 */
export function refuseEnded(
  { tokens }: Pick<AuthenticationPorts, 'tokens'>,
  upstream: Upstream,
  { requestId }: Exchange,
  { dialect: { revision }, methods }: Call,
): never {
  const reason = 'token ended while the request came'
  const scopes = scopesFor(tokens, upstream, { revision, methods })
  const description = `${reason} (request ${requestId})`
  throw new Refusal('token_invalid', {
    reason,
    challenge: { scopes, offersDpop: upstream.dpop !== 'off', error: 'invalid_token', description },
  })
}

/** Whether a token is accepted only with a proof of its key. */
export function needsProof(
  { keyThumbprint }: Pick<Principal, 'keyThumbprint'>,
  { dpop }: Pick<Upstream, 'dpop'>,
): boolean {
  return keyThumbprint !== undefined || dpop === 'required'
}

const challenged: Readonly<Record<string, 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce'>> = {
  token_invalid: 'invalid_token',
  proof_invalid: 'invalid_dpop_proof',
  proof_nonce_needed: 'use_dpop_nonce',
}

async function challenge(
  { tokens }: AuthenticationPorts,
  upstream: Upstream,
  exchange: Exchange,
): Promise<{ scopes: readonly string[]; offersDpop: boolean }> {
  return { scopes: await challengeScopes(tokens, upstream, exchange), offersDpop: upstream.dpop !== 'off' }
}

async function checkProof(
  proofs: ProofVerifier,
  { keyThumbprint: thumbprint }: Principal,
  token: string,
  { head, req, path, baseHeaders }: Exchange,
): Promise<void> {
  if (thumbprint === undefined) throw invalidToken('token is bound to no key')
  if (head.dpop === undefined) throw new Refusal('proof_invalid', { reason: 'proof is missing' })
  if (head.duplicated === 'dpop') throw new Refusal('proof_invalid', { reason: 'proof was sent twice' })
  const presented = { proof: head.dpop, method: req.method ?? '', path, token, thumbprint }
  const nonce = await proofs.verify(presented)
  if (nonce !== undefined) baseHeaders.push('DPoP-Nonce', nonce)
}

const inQuery = /(?:^|&)access_token=/
const bearer = /^bearer +(?:([\w.~+/=-]+) *$|\S)/i
const dpop = /^dpop +(?:([\w.~+/=-]+) *$|\S)/i

function readCredentials({ head, query }: Exchange, upstream: Upstream): Credentials | undefined {
  if (head.duplicated === 'authorization') throw new Refusal('token_repeated')
  if (head.authorization === undefined) return undefined
  const credentials = parse(head.authorization, upstream)
  if (credentials !== undefined && inQuery.test(query)) throw new Refusal('token_repeated')
  return credentials
}

function parse(authorization: string, upstream: Upstream): Credentials | undefined {
  const borne = bearer.exec(authorization)
  if (borne !== null) return { scheme: 'Bearer', token: borne[1] }
  const proven = upstream.dpop === 'off' ? null : dpop.exec(authorization)
  return proven === null ? undefined : { scheme: 'DPoP', token: proven[1] }
}
