import { z } from 'zod'
import { providerPresetNames } from './provider-presets.ts'
import { givenSecret, httpUrl, whole } from './values.ts'

const texts = (description: string) => z.array(z.string().min(1)).optional().meta({ description })
const lowerCase = z.string().regex(/^[a-z0-9.-]+$/, 'must be a domain in lower case, such as example.com')
const claim = (description: string) => z.string().min(1).optional().meta({ description })

/** An issuer as it is named: no query, no fragment, no user information. */
export const issuerUrl = httpUrl
  .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
  .refine((text) => {
    const url = URL.parse(text)
    return url === null || (url.username === '' && url.password === '')
  }, 'must have no user information')

/** The setting `login.providers`. */
export const providerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be lower-case letters, digits and hyphens')
      .optional()
      .meta({
        description:
          'Names the provider in logs and in its callback, `<publicUrl>/login/callback/<name>`. Default: the preset.',
      }),
    label: z.string().min(1).max(60).optional().meta({ description: 'What the login page calls it.' }),
    preset: z.enum(providerPresetNames).optional().meta({
      description:
        'What is known of a kind of provider, for every setting that is left out. None: OpenID Connect as it is written (docs/identity-federated.md).',
    }),
    issuer: issuerUrl.optional().meta({
      description: 'The issuer. Only `google`, `github` and `entra` with a `tenant` need none.',
    }),
    tenant: z
      .string()
      .regex(/^[A-Za-z0-9.-]+$/, 'must be the id or a domain of a directory, or organizations')
      .optional()
      .meta({ description: '`entra`: the directory (tenant) ID, one of its domains, or `organizations`.' }),
    clientId: z.string().min(1).meta({ description: 'The client that Portcullis is there.' }),
    ...givenSecret,
    scopes: texts('Scopes to ask for. Default: those of the preset.'),
    parameters: z.record(z.string(), z.string()).optional().meta({
      description: 'Further parameters of the authorization request, such as `{ domain_hint: example.com }`.',
    }),
    userinfo: z.boolean().optional().meta({
      description:
        'Whether the userinfo endpoint is asked for what the ID token does not say, and in place of one where a refresh brings none.',
    }),
    claims: z
      .strictObject({
        name: texts('Claims with the name of a person; the first that is there counts.'),
        email: claim('The claim with their address.'),
        emailVerified: claim('The claim that is `true` where the address is proven.'),
        domain: claim('A claim that is itself the domain, in place of that of a verified address.'),
        tenant: claim('The claim with the tenant or organisation.'),
        groups: texts('Claims with groups. A dot leads into an object: `realm_access.roles`.'),
        roles: texts('Claims with roles.'),
      })
      .prefault({}),
    allow: z
      .strictObject({
        domains: z.array(lowerCase).default([]).meta({ description: 'Only users of these domains come in.' }),
        tenants: z.array(z.string().min(1)).default([]).meta({
          description: 'Only users of these tenants: `tid` at Entra, `hd` at Google, `org_id` at Auth0.',
        }),
        groups: z
          .array(z.string().min(1))
          .default([])
          .meta({ description: 'Only users in one of these groups.' }),
        anybody: z.boolean().default(false).meta({
          description:
            'Says that everybody who has an account at a provider that is open to all may come in.',
        }),
      })
      .prefault({}),
    deny: z
      .strictObject({
        domains: z.array(lowerCase).default([]).meta({
          description: 'Users of these domains do not come in, nor those whose domain is not proven.',
        }),
        groups: z.array(z.string().min(1)).default([]).meta({
          description:
            'Users in one of these groups do not. Groups that the provider does not name count as none.',
        }),
      })
      .prefault({}),
    recheckSeconds: whole(10, 86_400).default(300).meta({
      description:
        'How long the word of the provider counts: after that the next refresh of a client asks it again, and its no ends all access of the user.',
    }),
    outageSeconds: whole(0, 86_400).default(600).meta({
      description: 'How long after that refreshes go on while the provider does not answer.',
    }),
    unconfirmedSeconds: whole(60, 31_536_000).default(86_400).meta({
      description: 'How long a login counts where the provider gives no refresh token to ask it by.',
    }),
    logout: z.enum(['here', 'provider']).default('here').meta({
      description: 'Whether who signs out here is sent to the provider to sign out there as well.',
    }),
    origins: z
      .array(z.string().regex(/^https?:\/\/[^/]+$/, 'must be an origin such as https://keys.example.com'))
      .default([])
      .meta({
        description:
          'Further origins of the provider, for endpoints that are neither at its issuer nor on the public internet.',
      }),
  })
  .meta({ description: 'An identity provider at which people log in.' })

/** A provider as it was written. */
export type ProviderConfig = z.output<typeof providerSchema>
