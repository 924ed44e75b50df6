import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { type Clock, epochSeconds } from '../../core/clock.ts'
import { proofAlgorithms } from '../../core/dpop.ts'
import { Refusal } from '../../core/errors.ts'
import { reasonOf } from '../../core/reason-of.ts'
import { digest } from '../../core/secret.ts'
import { scrub } from '../../telemetry/scrub.ts'
import type { ProofNonces } from './proof-nonces.ts'

/** A proof with the request that it came with and the token that it is for. */
interface PresentedProof {
  /** The value of the `DPoP` header. Untrusted. */
  readonly proof: string
  readonly method: string
  /** The path of the request, which is that of an MCP server. */
  readonly path: string
  readonly token: string
  /** The thumbprint of the key that the token is bound to. */
  readonly thumbprint: string
}

/** Verifies that the sender of a request holds its token's key. */
export interface ProofVerifier {
  /**
   * Checks a proof (RFC 9449 sections 4.3 and 7.1):
   * - `typ`, an accepted algorithm, a public key in the header, and its signature;
   * - `htm` and `htu` match this request, `iat` is within five minutes, `ath` matches this token, and the
   *   key is the token's;
   * - `nonce`, if there is one or one is required, is one of ours;
   * - `jti` was never seen before, on any replica.
   * Returns a nonce for the client's next proof, if it should use a newer one. Throws `proof_invalid` and
   * `proof_nonce_needed`.
   */
  verify(presented: PresentedProof): Promise<string | undefined>
}

interface ProofVerifierOptions {
  /** The public origins, any of which a client may use. */
  readonly origins: readonly string[]
  readonly clock: Clock
  readonly nonces: ProofNonces
  readonly nonceRequired: boolean
  /** Whether an id is new, across all replicas; it need not be kept after `expiresAt`, in milliseconds. */
  readonly firstUse: (id: string, expiresAt: number) => Promise<boolean>
}

const windowSeconds = 300
const seenSize = 10_000

/** Builds the verifier. A proof that this process has already seen is refused without asking the store. */
export function createProofVerifier(options: ProofVerifierOptions): ProofVerifier {
  const { origins, clock, nonces, nonceRequired, firstUse } = options
  const seen = new LRUCache<string, true>(atMost(seenSize))

  const checkRequest = (payload: JWTPayload, { method, path, token }: PresentedProof): void => {
    if (payload['htm'] !== method) throw invalid('proof is for another method')
    const target = targetOf(payload['htu'])
    if (!origins.some((origin) => target === origin + path)) throw invalid('proof is for another URL')
    if (payload['ath'] !== digest(token)) throw invalid('proof is for another token')
    const { iat } = payload
    if (typeof iat !== 'number' || Math.abs(epochSeconds(clock) - iat) > windowSeconds)
      throw invalid('proof is not recent')
  }

  const checkNonce = (nonce: unknown): string | undefined => {
    if (nonce === undefined && !nonceRequired) return undefined
    const current = nonces.current()
    if (typeof nonce !== 'string' || !nonces.accepts(nonce))
      throw new Refusal('proof_nonce_needed', { reason: 'proof lacks a nonce of ours', nonce: current })
    return nonce === current ? undefined : current
  }

  const checkFirstUse = async ({ jti, iat }: JWTPayload, thumbprint: string): Promise<void> => {
    if (typeof jti !== 'string' || jti === '') throw invalid('proof lacks a jti')
    const id = digest(`${thumbprint}\0${jti}`)
    const repeated = seen.has(id)
    seen.set(id, true)
    const expiresAt = ((iat as number) + windowSeconds) * 1000
    if (repeated || !(await firstUse(id, expiresAt))) throw invalid('proof was used before')
  }

  return {
    async verify(presented) {
      const { payload, jwk } = await verifySignature(presented.proof, clock)
      if ((await calculateJwkThumbprint(jwk)) !== presented.thumbprint)
        throw invalid('proof is signed with another key')
      checkRequest(payload, presented)
      const nextNonce = checkNonce(payload['nonce'])
      await checkFirstUse(payload, presented.thumbprint)
      return nextNonce
    },
  }
}

async function verifySignature(
  proof: string,
  clock: Clock,
): Promise<{ payload: JWTPayload; jwk: Parameters<typeof calculateJwkThumbprint>[0] }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...proofAlgorithms],
      currentDate: new Date(clock.now()),
      clockTolerance: windowSeconds,
    })
    return { payload, jwk: protectedHeader.jwk as Parameters<typeof calculateJwkThumbprint>[0] }
  } catch (error) {
    throw invalid('proof is no valid DPoP proof', { cause: error, specifics: scrub(reasonOf(error)) })
  }
}

/** The URL that a proof names, without query and fragment, normalized (RFC 3986 sections 6.2.2 and 6.2.3). */
function targetOf(htu: unknown): string | undefined {
  const url = typeof htu === 'string' ? URL.parse(htu) : null
  if (url === null || url.username !== '' || url.password !== '') return undefined
  return url.origin + url.pathname
}

/** The reasons are a closed set, since they are metric labels; the log has specifics. */
function invalid(
  reason: string,
  detail: { readonly cause?: unknown; readonly specifics?: string } = {},
): Refusal {
  return new Refusal('proof_invalid', { reason, ...detail })
}
