import { z } from 'zod'
import { issuerPresetNames } from './issuer-presets.ts'
import { issuerUrl } from './provider-schema.ts'
import { givenSecret, httpUrl, scope, whole } from './values.ts'

const claims = (description: string) => z.array(z.string().min(1)).optional().meta({ description })

/** The setting `issuers`. */
export const issuerSchema = z
  .strictObject({
    preset: z.enum(issuerPresetNames).optional().meta({
      description:
        'What is known of the tokens of a kind of issuer, for every setting that is left out. None: RFC 9068 (docs/identity-resource-server.md).',
    }),
    issuer: issuerUrl.optional().meta({ description: 'The issuer, exactly as it stands in its tokens.' }),
    jwksUri: httpUrl.optional().meta({
      description: 'Where its public keys are. Default: where its metadata says.',
    }),
    audiences: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'Values of `aud` that are accepted in place of the resource.' }),
    tokenTypes: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'Values of the `typ` header that mark its access tokens. Default: `at+jwt`.' }),
    algorithms: z
      .array(z.enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']))
      .min(1)
      .default(['ES256', 'RS256', 'PS256', 'EdDSA'])
      .meta({ description: 'Signature algorithms of its tokens.' }),
    claims: z
      .strictObject({
        scopes: claims('Claims with scopes: a text with spaces or a list. Default: `scope`, `scp`.'),
        clientId: claims('Claims with the client; the first that is there counts.'),
        groups: claims('Claims with groups. A dot leads into an object.'),
        roles: claims('Claims with roles.'),
      })
      .prefault({}),
    scopeMap: z.record(z.string(), z.array(scope)).default({}).meta({
      description:
        'Which scopes a scope, permission or role of the issuer stands for: `{ "Mcp.Use": ["mcp:tools"] }`.',
    }),
    scopes: z
      .array(scope)
      .default([])
      .meta({ description: 'Scopes that every token of the issuer has besides.' }),
    introspection: z
      .strictObject({
        url: httpUrl
          .optional()
          .meta({ description: 'The introspection endpoint (RFC 7662). Default: that of its metadata.' }),
        clientId: z.string().min(1).meta({ description: 'The client as which the gateway asks.' }),
        ...givenSecret,
        cacheSeconds: whole(1, 300).default(30).meta({
          description: 'How long an answer counts: so late a revocation is noticed.',
        }),
      })
      .optional()
      .meta({ description: 'Asks the issuer about each token in place of verifying it, for opaque ones.' }),
    origins: z
      .array(z.string().regex(/^https?:\/\/[^/]+$/, 'must be an origin such as https://keys.example.com'))
      .default([])
      .meta({
        description:
          'Further origins of the issuer, for endpoints that are neither at its issuer nor on the public internet.',
      }),
  })
  .meta({ description: 'Another authorization server whose access tokens the gateway accepts.' })

/** An issuer as it was written. */
export type IssuerConfig = z.output<typeof issuerSchema>
