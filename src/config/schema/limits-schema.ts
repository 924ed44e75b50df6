import { z } from 'zod'
import { whole } from './values.ts'

const redisUrlProblem =
  'must be a URL such as redis://user:password@host:6379/0, with %25 for % and %2F for / in the password'

/** The error does not say what is wrong with it, since it contains a password. */
function isRedisUrl(text: string): boolean {
  const url = /^rediss?:\/\//i.test(text) ? URL.parse(text) : null
  return url !== null && /^\/?\d*\/?$/.test(url.pathname) && [url.username, url.password].every(isDecodable)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const limitsObject = z.strictObject({
  redis: z.string().refine(isRedisUrl, redisUrlProblem).optional().meta({
    description:
      'A Redis in which all processes keep the shared counters of the rate limits: `redis://user:password@host:6379/0`, or `rediss://` for TLS. Best set through its environment variable, or as the name of another one: `$NAME`. Default: each machine counts separately.',
  }),
  bodyBytes: whole(1024, 1_073_741_824)
    .default(4_194_304)
    .meta({ description: 'Maximum size of the body of an MCP request.' }),
  headerBytes: whole(2048, 262_144)
    .default(16_384)
    .meta({ description: 'Maximum size of the head of a request.' }),
  headSeconds: whole(1, 600).default(15).meta({
    description: 'Time within which the head of a request must arrive and, before it, the handshake of TLS.',
  }),
  requestSeconds: whole(1, 3600).default(60).meta({
    description: 'Time within which a whole request, including its body, must arrive.',
  }),
  nesting: whole(4, 512).default(64).meta({ description: 'Maximum nesting depth of a JSON body.' }),
  running: whole(1, 10_000).default(64).meta({
    description: 'Maximum number of concurrent requests of one caller (a user with a client).',
  }),
  streams: whole(1, 10_000).default(64).meta({
    description: 'Maximum number of streams that one caller can hold open to hear of changes.',
  }),
  perMinute: whole(1, 10_000_000).optional().meta({
    description: 'Maximum number of MCP requests per minute of one caller. Default: no limit.',
  }),
  perMinutePerClient: whole(1, 10_000_000).optional().meta({
    description: 'Maximum number of MCP requests per minute of all users of one client. Default: no limit.',
  }),
  authorizations: whole(1, 1_000_000).default(3000).meta({
    description:
      'Maximum number of authorization requests per minute, including pushed and device ones. The same number applies separately to visits to identity providers, and to signed assertions of clients that only registered or described themselves, unless the assertions lead to tokens.',
  }),
  authorizationsPerNetwork: whole(1, 1_000_000).default(120).meta({
    description:
      'Maximum number of each of these per minute from one address or one IPv6 network. Raise it if a proxy makes all callers look like one.',
  }),
  batch: whole(1, 1000).default(50).meta({ description: 'Maximum number of messages in a batch.' }),
})

/** The setting `limits`. */
export const limitsSchema = limitsObject.prefault({})

/** The same for a tenant, without the limits that apply before the tenant of a request is known. */
export const tenantLimitsSchema = limitsObject
  .omit({ headerBytes: true, headSeconds: true, requestSeconds: true })
  .prefault({})
