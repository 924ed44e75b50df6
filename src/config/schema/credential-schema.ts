import { z } from 'zod'
import { headerNameProblem } from '../../core/header-field.ts'
import { canonicalResource, isLoopbackHost } from '../../core/resource.ts'
import { bearerToken, headerValue, urlWithoutFragment } from './values.ts'

const variable = 'Best set as the name of an environment variable: `$NAME`.'
const file = (what: string): z.ZodOptional<z.ZodString> =>
  z
    .string()
    .min(1)
    .optional()
    .meta({ description: `A file with ${what}, used instead. A change takes effect within a second.` })

const bearer = z.strictObject({
  kind: z.literal('bearer').meta({
    description:
      'The kind of credential: a fixed token, a fixed header, tokens that a token server issues to the gateway itself, or tokens that it issues for each user.',
  }),
  token: bearerToken
    .optional()
    .meta({ description: `\`bearer\`: the token sent in \`Authorization: Bearer\`. ${variable}` }),
  tokenFile: file('the token'),
})

const header = z.strictObject({
  kind: z.literal('header'),
  name: z
    .string()
    .superRefine((name, context) => {
      const message = headerNameProblem(name)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .meta({ description: '`header`: the name of the header, such as `X-Api-Key`.' }),
  value: headerValue.optional().meta({ description: `\`header\`: the value of the header. ${variable}` }),
  valueFile: file('the value'),
})

const tokenUrl = urlWithoutFragment.refine((text) => {
  const url = URL.parse(text)
  return url === null || url.protocol === 'https:' || isLoopbackHost(url.hostname)
}, 'must be https, or on loopback: the secret of the client goes there')

/** The settings of a token server's client, for both kinds. */
const tokenClient = {
  tokenUrl: tokenUrl.meta({
    description: '`client-credentials` and `token-exchange`: the token endpoint that issues the tokens.',
  }),
  clientId: z.string().min(1).meta({ description: 'The client id that the gateway uses there.' }),
  clientSecret: z
    .string()
    .min(1)
    .optional()
    .meta({ description: `The secret of that client (client_secret_basic). ${variable}` }),
  clientSecretFile: file('the secret'),
  scope: z
    .string()
    .regex(
      /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/,
      'must be scopes, separated by a space',
    )
    .optional()
    .meta({
      description: 'The scopes to request. Default: what the token server grants if none are requested.',
    }),
  resource: z
    .string()
    .refine((text) => canonicalResource(text) !== undefined, 'must be an http or https URL without fragment')
    .optional()
    .meta({ description: 'The resource that the token is requested for (RFC 8707).' }),
  audience: z.string().min(1).optional().meta({
    description:
      'The audience that the token is requested for, if the token server does not support `resource`.',
  }),
}

const kinds = ['bearer', 'header', 'client-credentials', 'token-exchange'] as const
const shortForms = ['identity', 'none'] as const

const described = z.discriminatedUnion(
  'kind',
  [
    bearer,
    header,
    z.strictObject({ kind: z.literal('client-credentials'), ...tokenClient }),
    z.strictObject({ kind: z.literal('token-exchange'), ...tokenClient }),
  ],
  { error: `must be one of ${kinds.join(', ')}` },
)

/** The setting `credential` of one MCP server. */
export const credentialSchema = z
  .union([z.enum(shortForms), described], {
    error: `must be ${shortForms.join(' or ')}, or have a kind: ${kinds.join(', ')}`,
  })
  .default('identity')

/** A credential that is more than a keyword. */
export type CredentialConfig = z.output<typeof described>
