import { z } from 'zod'
import { issuerPresetNames } from '../issuer-presets.ts'
import { givenSecret, httpUrl, issuerUrl, originLike, scope, signatureAlgorithms, whole } from './values.ts'

const claims = (description: string) => z.array(z.string().min(1)).optional().meta({ description })

/** The setting `issuers`. */
export const issuerSchema = z
  .strictObject({
    preset: z.enum(issuerPresetNames).optional().meta({
      description:
        'The kind of issuer. What is known of it is used for settings that are left out. Default: RFC 9068 (docs/identity-resource-server.md).',
    }),
    issuer: issuerUrl.optional().meta({ description: 'The issuer, exactly as it appears in its tokens.' }),
    jwksUri: httpUrl.optional().meta({
      description: 'URL of its public keys. Default: the one in its metadata.',
    }),
    audiences: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'Values of `aud` that are accepted instead of the resource.' }),
    tokenTypes: z.array(z.string().min(1)).min(1).optional().meta({
      description: 'Values of the `typ` header that identify its access tokens. Default: `at+jwt`.',
    }),
    algorithms: signatureAlgorithms.meta({ description: 'Signature algorithms accepted for its tokens.' }),
    claims: z
      .strictObject({
        scopes: claims(
          'Claims that hold scopes, as a space-separated string or a list. Default: `scope`, `scp`.',
        ),
        clientId: claims('Claims that hold the client id; the first one present is used.'),
        groups: claims('Claims that hold groups. A dot descends into an object: `realm_access.roles`.'),
        roles: claims('Claims that hold roles.'),
      })
      .prefault({}),
    scopeMap: z.record(z.string(), z.array(scope)).default({}).meta({
      description:
        'Scopes that a scope, permission or role of the issuer stands for: `{ "Mcp.Use": ["mcp:tools"] }`.',
    }),
    scopes: z
      .array(scope)
      .default([])
      .meta({ description: 'Scopes that every token of the issuer has in addition.' }),
    introspection: z
      .strictObject({
        url: httpUrl.optional().meta({
          description: "The introspection endpoint (RFC 7662). Default: the one in the issuer's metadata.",
        }),
        clientId: z
          .string()
          .min(1)
          .meta({ description: 'The client id that the gateway uses at this endpoint.' }),
        ...givenSecret,
        cacheSeconds: whole(1, 300).default(30).meta({
          description: 'How long an answer is cached. A revocation is noticed with at most this delay.',
        }),
      })
      .optional()
      .meta({
        description: 'Asks the issuer about each token instead of verifying it. Needed for opaque tokens.',
      }),
    origins: z.array(originLike('https://keys.example.com')).default([]).meta({
      description:
        "Additional origins of the issuer, for endpoints that are neither at the issuer's own origin nor on the public internet.",
    }),
  })
  .meta({ description: 'Another authorization server whose access tokens the gateway accepts.' })

/** An issuer as configured. */
export type IssuerConfig = z.output<typeof issuerSchema>
