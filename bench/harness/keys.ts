import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, type JWK, SignJWT } from 'jose'
import type { Algorithm } from '../stacks/contract.ts'

/** The key pair of an algorithm, and what it signs. */
export interface Signer {
  readonly publicKey: KeyObject
  readonly jwk: JWK
  /** Signs the access token of a user. */
  readonly sign: (user: number) => Promise<string>
}

const generate = promisify(generateKeyPair) as unknown as (
  type: string,
  options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>

const kinds = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
} as const satisfies Record<Algorithm, readonly [string, object]>

/** Creates a key pair whose tokens are from an issuer and for an audience, valid for two hours. */
export async function createSigner(
  algorithm: Algorithm,
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
): Promise<Signer> {
  const [type, options] = kinds[algorithm]
  const { publicKey, privateKey } = await generate(type, options)
  return {
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid: algorithm, alg: algorithm, use: 'sig' },
    sign: (user) =>
      new SignJWT({ client_id: 'bench', scope: 'mcp:tools:execute mcp:tools:read mcp:resources:list' })
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: algorithm })
        .setIssuer(issuer)
        .setSubject(`user-${user}`)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('2h')
        .setJti(`${algorithm}-${user}`)
        .sign(privateKey),
  }
}
