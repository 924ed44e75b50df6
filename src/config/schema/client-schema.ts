import { z } from 'zod'
import { deviceCodeGrant, jwtBearerGrant, tokenExchangeGrant } from '../../core/grant-types.ts'
import { accessTokenSeconds, scope } from './values.ts'

/** The grants that a configured client can have, by their names in OAuth. */
export const clientGrantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceCodeGrant,
  tokenExchangeGrant,
  jwtBearerGrant,
] as const

/** Those that only a client with authentication may have. */
export const authenticatedGrantTypes: ReadonlySet<string> = new Set([
  'client_credentials',
  tokenExchangeGrant,
  jwtBearerGrant,
])

/** The shortest secret that a client may have. */
export const minSecretLength = 8

/** The setting of one client. */
export const clientSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 letters, digits or signs of ASCII, without spaces')
      .meta({ description: 'The client id with which the program identifies itself.' }),
    name: z.string().min(1).max(100).optional().meta({ description: 'Name shown to users.' }),
    secret: z
      .string()
      .min(minSecretLength, `must have at least ${minSecretLength} characters`)
      // RFC 6749 appendix A.2: with any other, no client could use it in a Basic header.
      .regex(/^[\x20-\x7e]*$/, 'must consist of letters, digits, signs and spaces of ASCII')
      .optional()
      .meta({
        description:
          'Secret of the client, which makes it confidential. Best set as the name of an environment variable: `$NAME`.',
      }),
    jwks: z
      .strictObject({
        keys: z
          .array(
            z.looseObject({
              kty: z.string().meta({
                description:
                  'The type of the key, such as `EC`, beside the other members of the JWK. The keys are those of a client that signs assertions (private_key_jwt); used instead of `secret`.',
              }),
            }),
          )
          .min(1),
      })
      .optional()
      .meta({
        description:
          'Public keys (JWKS) of a client that authenticates with signed assertions (private_key_jwt). Used instead of `secret`.',
      }),
    redirectUris: z.array(z.string().min(1)).default([]).meta({
      description:
        'The addresses of the client to which users may be sent back after they have signed in. Each must match exactly, except for the port of a loopback address. Required with `authorization_code`.',
    }),
    grantTypes: z
      .array(z.enum(clientGrantTypes))
      .min(1)
      .default(['authorization_code', 'refresh_token'])
      .meta({
        description:
          'How the client may get tokens: for a user who signs in (`authorization_code`, and `refresh_token` to get new ones later), for itself (`client_credentials`), or with one of the grants that `grants` turns on.',
      }),
    scopes: z.array(scope).optional().meta({
      description:
        'All scopes that the client can get. With client_credentials, which requires this setting, these are also the scopes it gets if it names none.',
    }),
    upstreams: z.array(z.string()).optional().meta({
      description:
        'Names of the MCP servers that the client can get tokens for. Default: all, except that a token exchange cannot change to another server.',
    }),
    accessTokenSeconds: accessTokenSeconds.optional().meta({
      description: 'Lifetime of its access tokens, if it differs from `tokens.accessTokenSeconds`.',
    }),
    dpop: z
      .enum(['optional', 'required'])
      .default('optional')
      .meta({ description: "Whether the client's tokens must be bound to a key (DPoP)." }),
    pushedRequests: z.enum(['optional', 'required']).default('optional').meta({
      description: 'Whether the client must push its authorization requests (RFC 9126).',
    }),
  })
  .meta({ description: 'A preconfigured client.' })
