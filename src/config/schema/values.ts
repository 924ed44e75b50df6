import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isBearerToken, isHeaderValue } from '../../core/header-field.ts'
import { longestTokenSeconds } from '../../core/lifetimes.ts'
import { isScopeToken } from '../../core/scope.ts'

/** A whole number within bounds, with an error that names them. */
export function whole(least: number, most: number): z.ZodInt {
  const error = `must be a whole number from ${least} to ${most}`
  return z.int(error).min(least, error).max(most, error)
}

/** The lifetime of access tokens. */
export const accessTokenSeconds = whole(30, longestTokenSeconds)

/** A scope. checkScopes checks that it exists. */
export const scope = z.string().refine(isScopeToken, 'must be a scope: no spaces, quotes or backslashes')

/** An IP address, or a network in CIDR notation. */
export const network = z.string().refine(isNetwork, 'must be an IP address or a network such as 10.0.0.0/8')

function isNetwork(text: string): boolean {
  const { IPv4, IPv6 } = ipaddr
  return text.includes('/')
    ? IPv4.isValidCIDRFourPartDecimal(text) || IPv6.isValidCIDR(text)
    : IPv4.isValidFourPartDecimal(text) || IPv6.isValid(text)
}

/** An http or https URL, without a user and password, which no request would carry. */
export const httpUrl = z
  .url({
    protocol: /^https?$/,
    error: ({ input }) => `${input === undefined ? 'is missing: give' : 'must be'} an http or https URL`,
  })
  .refine((text) => {
    const url = URL.parse(text)
    return url === null || (url.username === '' && url.password === '')
  }, 'must have no user information: secrets have settings of their own')

/** The same without a fragment, which no request would carry either. */
export const urlWithoutFragment = httpUrl.refine((url) => !url.includes('#'), 'must have no fragment')

/** The URL of an issuer (RFC 8414 section 2). */
export const issuerUrl = httpUrl.refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')

/** The origin of a web page or a server, as browsers write it, with an error that shows one. */
export function originLike(example: string): z.ZodString {
  const error = `must be an origin such as ${example}, in lower case, without a default port and wildcards`
  return z
    .string()
    .regex(/^https?:\/\/[^/*]+$/, { error, abort: true })
    .refine((text) => URL.parse(text)?.origin === text, error)
}

/** A host as a `Host` header names it, with its port if that is not the default. */
export const host = z
  .string()
  .regex(
    /^(?:\[[\da-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?$/,
    'must be a host such as mcp.internal or mcp.internal:8443, without scheme, path and wildcards',
  )

/** A host without a port. */
export const hostName = z
  .string()
  .regex(
    /^(?:\[[\da-fA-F:.]+\]|[\w.-]+)$/,
    'must be a host name such as portcullis, without scheme, port and wildcards',
  )

/** A token that we send as `Bearer`. What cannot be sent would be quoted in errors about it. */
export const bearerToken = z
  .string()
  .refine(isBearerToken, 'must be printable characters without spaces, in one line')

/** The value of a header that we send. */
export const headerValue = z.string().refine(isHeaderValue, 'must be printable ASCII characters in one line')

/** The name of a host or domain in lower case, with labels of up to 63 characters (RFC 1123 section 2.1). */
export function domain(example: string): z.ZodString {
  return z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
      `must be a name in lower case without a dot at either end, such as ${example}: it means that one alone, and none below it`,
    )
}

/** The signature algorithms that are accepted of somebody else. */
export const signatureAlgorithms = z
  .array(z.enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']))
  .min(1)
  .default(['ES256', 'RS256', 'PS256', 'EdDSA'])

/** A TCP port; 0 is any free one. */
export const port = whole(0, 65_535)

/** What to say of a text that is not the URL of a database. It repeats nothing, since that has a password. */
export const databaseUrlProblem = 'must be a URL such as postgres://user:password@host:5432/database'

/** The URL of a PostgreSQL database. */
export const databaseUrl = z.string().refine(isDatabaseUrl, databaseUrlProblem)

function isDatabaseUrl(text: string): boolean {
  // The URL of a database on a socket may have a user without a host, which no other URL may.
  const url = URL.parse(text.replace('@/', '@localhost/'))
  return url !== null && /^postgres(?:ql)?:\/\//i.test(text) && url.pathname.length > 1
}

/** A folder of ours, which is created where it is missing: another one would be, if the path were mistaken. */
export const folder = z
  .string()
  .min(1)
  .refine(
    (path) => !/^[~$]|^\s|\s$/.test(path),
    'must be the path of a folder as it is: ~ and variables are not replaced, and it has no space at either end',
  )

const secretProblem = 'must be 32 random bytes or more in base64url: 43 letters, digits, - and _'

/** The secret of an installation, of which decoding leaves out whatever is not base64url. */
export const secret = z
  .string()
  .min(43, { error: secretProblem, abort: true })
  .refine((text) => Buffer.from(text, 'base64url').length >= 32, secretProblem)

/** A secret that the operator was given, and the file that may hold it instead. */
export const givenSecret = {
  clientSecret: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Its secret. Best set as the name of an environment variable: `$NAME`.' }),
  clientSecretFile: z.string().min(1).optional().meta({
    description:
      'A file with the secret, used instead. It is read again whenever it is needed, so it may change.',
  }),
}
