import { z } from 'zod'
import { deviceCode, jwtBearer, tokenExchange } from '../core/grant-types.ts'
import { httpUrl } from './values.ts'

/** The grants that a configured client can have, by their names in OAuth. */
export const clientGrantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceCode,
  tokenExchange,
  jwtBearer,
] as const

/** Those that only a client with authentication may have. */
export const authenticatedGrantTypes: ReadonlySet<string> = new Set([
  'client_credentials',
  tokenExchange,
  jwtBearer,
])

const identityAssertions = z
  .strictObject({
    issuer: httpUrl
      .refine((url) => !url.includes('#'), 'must have no fragment')
      .meta({ description: 'The identity provider, exactly as it appears in its assertions.' }),
    jwksUri: httpUrl
      .optional()
      .meta({ description: 'URL of its public keys. Default: the one in its metadata.' }),
    algorithms: z
      .array(z.enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']))
      .min(1)
      .default(['ES256', 'RS256', 'PS256', 'EdDSA'])
      .meta({ description: 'Signature algorithms accepted for its assertions.' }),
    tenant: z.string().min(1).optional().meta({
      description:
        'The only tenant of a multi-tenant provider whose users are let in, as in the claim `tenant`. Default: only assertions that name no tenant are accepted.',
    }),
    subjectPrefix: z
      .string()
      .regex(/^[a-z0-9-]{1,32}:$/, 'must be lower-case letters, digits and hyphens, and end with a colon')
      .optional()
      .meta({ description: "Prefix of its users' names here. Default: `<issuer>#`." }),
  })
  .meta({ description: 'An identity provider whose identity assertions (ID-JAG) give its users access.' })

/** The setting `grants`. */
export const grantsSchema = z
  .strictObject({
    deviceCode: z.enum(['on', 'off']).default('off').meta({
      description:
        'Whether clients on devices without a browser can ask a user to log in on another device (RFC 8628).',
    }),
    tokenExchange: z.enum(['on', 'off']).default('off').meta({
      description:
        'Whether clients with this grant type can exchange an access token for a narrower one (RFC 8693).',
    }),
    identityAssertions: z.array(identityAssertions).default([]),
  })
  .prefault({})

/** The setting `dpop`. */
export const dpopSchema = z
  .strictObject({
    nonce: z.enum(['optional', 'required']).default('optional').meta({
      description:
        'Whether DPoP proofs must contain a nonce from the server, so that they cannot be made in advance.',
    }),
  })
  .prefault({})
