import { z } from 'zod'
import { providerPresetNames } from '../provider-presets.ts'
import { domain, givenSecret, issuerUrl, originLike, whole } from './values.ts'

const texts = (description: string) => z.array(z.string().min(1)).optional().meta({ description })
const domains = z.array(domain('example.com')).default([])
const claim = (description: string) => z.string().min(1).optional().meta({ description })

/** The setting `login.providers`. */
export const providerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be lower-case letters, digits and hyphens')
      .optional()
      .meta({
        description:
          'Name of the provider in logs and in its callback, `<publicUrl>/login/callback/<name>`. Default: the preset.',
      }),
    label: z
      .string()
      .min(1)
      .max(60)
      .optional()
      .meta({ description: 'Name of the provider on the login page.' }),
    preset: z.enum(providerPresetNames).optional().meta({
      description:
        'The kind of provider. What is known of it is used for settings that are left out. Default: standard OpenID Connect (docs/identity-federated.md).',
    }),
    issuer: issuerUrl.optional().meta({
      description:
        'The issuer. Required, except for `google`, for `github`, and for `entra` with a `tenant`.',
    }),
    tenant: z
      .string()
      .regex(/^[A-Za-z0-9.-]+$/, 'must be the id or a domain of a directory, or organizations')
      .optional()
      .meta({ description: '`entra`: the directory (tenant) ID, one of its domains, or `organizations`.' }),
    clientId: z.string().min(1).meta({ description: 'The client id that Portcullis uses at the provider.' }),
    ...givenSecret,
    scopes: texts('Scopes to request. Default: those of the preset.'),
    parameters: z.record(z.string(), z.string()).optional().meta({
      description:
        'Additional parameters of the authorization request, such as `{ domain_hint: example.com }`. With `max_age`, a login there that is older, or of unknown age, does not count.',
    }),
    userinfo: z.boolean().optional().meta({
      description:
        'Whether to ask the userinfo endpoint for what the ID token does not say, and to use it when a refresh returns no ID token.',
    }),
    claims: z
      .strictObject({
        name: texts("Claims that hold the user's name; the first one present is used."),
        email: claim("The claim that holds the user's email address."),
        emailVerified: claim('The claim that is `true` if the address is verified.'),
        domain: claim(
          'A claim that holds the domain itself, used instead of the domain of a verified address.',
        ),
        tenant: claim('The claim that holds the tenant or organization.'),
        groups: texts('Claims that hold groups. A dot descends into an object: `realm_access.roles`.'),
        roles: texts('Claims that hold roles.'),
      })
      .prefault({}),
    allow: z
      .strictObject({
        domains: domains.meta({ description: 'Only users of these domains may log in.' }),
        tenants: z.array(z.string().min(1)).default([]).meta({
          description:
            'Only users of these tenants may log in: `tid` at Entra, `hd` at Google, `org_id` at Auth0.',
        }),
        groups: z
          .array(z.string().min(1))
          .default([])
          .meta({ description: 'Only users in at least one of these groups may log in.' }),
        anybody: z.boolean().default(false).meta({
          description:
            'Confirms that everyone may log in who has an account at a provider that is open to all.',
        }),
      })
      .prefault({}),
    deny: z
      .strictObject({
        domains: domains.meta({
          description: 'Users of these domains may not log in, nor may users whose domain is not verified.',
        }),
        groups: z.array(z.string().min(1)).default([]).meta({
          description:
            'Users in any of these groups may not log in. If the provider does not report groups, the user counts as being in none.',
        }),
      })
      .prefault({}),
    recheckSeconds: whole(10, 86_400).default(300).meta({
      description:
        "How long the provider's last answer about a user is trusted. After that, the next refresh by a client asks the provider again, and a refusal ends all access of the user.",
    }),
    outageSeconds: whole(0, 86_400).default(600).meta({
      description: 'How long after that refreshes still succeed while the provider does not answer.',
    }),
    unconfirmedSeconds: whole(60, 31_536_000).default(86_400).meta({
      description: 'How long a login is trusted if the provider gives no refresh token to confirm it with.',
    }),
    logout: z.enum(['here', 'provider']).default('here').meta({
      description: 'Whether a user who signs out here is also sent to the provider to sign out there.',
    }),
    origins: z.array(originLike('https://keys.example.com')).default([]).meta({
      description:
        "Additional origins of the provider, for endpoints that are neither at the issuer's own origin nor on the public internet.",
    }),
  })
  .meta({ description: 'An identity provider that users log in with.' })

/** A provider as configured. */
export type ProviderConfig = z.output<typeof providerSchema>
