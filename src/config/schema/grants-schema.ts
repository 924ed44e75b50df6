import { z } from 'zod'
import { httpUrl, signatureAlgorithms, urlWithoutFragment } from './values.ts'

const identityAssertions = z
  .strictObject({
    issuer: urlWithoutFragment.meta({
      description: 'The identity provider, exactly as it appears in its assertions.',
    }),
    jwksUri: httpUrl
      .optional()
      .meta({ description: 'URL of its public keys. Default: the one in its metadata.' }),
    algorithms: signatureAlgorithms.meta({
      description: 'Signature algorithms accepted for its assertions.',
    }),
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
