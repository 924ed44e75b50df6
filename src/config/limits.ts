import { z } from 'zod'
import { whole } from './values.ts'

const redisUrlProblem = 'must be a URL such as redis://user:password@host:6379/0'

/** Never told what is wrong with it: it holds a password. */
function isRedisUrl(text: string): boolean {
  return /^rediss?:$/.test(URL.parse(text)?.protocol ?? '')
}

const limitsObject = z.strictObject({
  redis: z.string().refine(isRedisUrl, redisUrlProblem).optional().meta({
    description:
      'A Redis in which all processes count together what is limited in time: `redis://user:password@host:6379/0`, `rediss://` for TLS. Best given by its variable, or as the name of another one: `$NAME`. Default: each machine counts alone.',
  }),
  bodyBytes: whole(1024, 1_073_741_824)
    .default(4_194_304)
    .meta({ description: 'Largest body of an MCP request.' }),
  headerBytes: whole(2048, 262_144).default(16_384).meta({ description: 'Largest head of a request.' }),
  headSeconds: whole(1, 600).default(15).meta({
    description: 'Time in which the head of a request must have come.',
  }),
  requestSeconds: whole(1, 3600).default(60).meta({
    description: 'Time in which a whole request, with its body, must have come.',
  }),
  nesting: whole(4, 512).default(64).meta({ description: 'Deepest nesting of a JSON body.' }),
  running: whole(1, 10_000).default(64).meta({
    description: 'Most requests that one caller, a user with a client, can have running at a time.',
  }),
  streams: whole(1, 10_000).default(64).meta({
    description: 'Most streams that one caller can hold open to hear of changes.',
  }),
  perMinute: whole(1, 10_000_000).optional().meta({
    description: 'Most MCP requests of one caller in a minute. Default: no limit.',
  }),
  perMinutePerClient: whole(1, 10_000_000).optional().meta({
    description: 'Most MCP requests in a minute of all users of one client. Default: no limit.',
  }),
  authorizations: whole(1, 1_000_000).default(3000).meta({
    description:
      'Most authorization requests in a minute, pushed ones and those of devices too. As many visits to identity providers, and as many signed assertions of clients that nobody but themselves made known, unless tokens come of them.',
  }),
  authorizationsPerNetwork: whole(1, 1_000_000).default(120).meta({
    description:
      'Most of them from one address, or one IPv6 network. Raise it where a proxy makes all callers look like one.',
  }),
  batch: whole(1, 1000).default(50).meta({ description: 'Most messages in a batch.' }),
})

/** The setting `limits`. */
export const limitsSchema = limitsObject.prefault({})

/** The same for a tenant: what holds before it is known whose a request is has one value for all. */
export const tenantLimitsSchema = limitsObject
  .omit({ headerBytes: true, headSeconds: true, requestSeconds: true })
  .prefault({})
