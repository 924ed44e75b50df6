import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A client that signs instead of using a secret (RFC 7523). */
export interface SigningClient {
  readonly jwks: { keys: (JWK & { kty: string })[] }
  /** The parameters of a token request; deviations from a valid assertion can be given. */
  authenticate(clientId: string, audience: string, wrong?: WrongAssertion): Promise<Record<string, string>>
}

interface WrongAssertion {
  readonly claims?: Readonly<Record<string, unknown>>
  /** Seconds from now. */
  readonly expiresIn?: number
  readonly key?: CryptoKey
}

const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Creates a client with a new key. */
export async function signingClient(): Promise<SigningClient> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  return {
    jwks: { keys: [jwk as JWK & { kty: string }] },
    async authenticate(clientId, audience, { claims = {}, expiresIn = 60, key = privateKey } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const assertion = await new SignJWT({
        iss: clientId,
        sub: clientId,
        aud: audience,
        jti: randomUUID(),
        iat: now,
        exp: now + expiresIn,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(key)
      return { client_assertion: assertion, client_assertion_type: type }
    },
  }
}
