import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** The key of a client that binds its tokens, with which each part of a proof can be made wrong. */
export interface ProofKey {
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly thumbprint: string
  /** A proof for a request (RFC 9449 section 4.2); claims and header members override the correct ones. */
  prove(request: ProvenRequest, claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
}

interface ProvenRequest {
  readonly method?: string
  readonly url: string
  readonly token?: string
}

/** Creates a key. */
export async function proofKey(algorithm = 'ES256'): Promise<ProofKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return {
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    thumbprint: await calculateJwkThumbprint(publicJwk),
    prove({ method = 'POST', url, token }, claims = {}, header = {}) {
      const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }
      const iat = Math.floor(Date.now() / 1000)
      return new SignJWT({ htm: method, htu: url, iat, jti: randomUUID(), ...ath, ...claims })
        .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk: publicJwk, ...header })
        .sign(privateKey)
    },
  }
}
