import { z } from 'zod'
import { bearerToken, databaseUrl, folder, httpUrl, whole } from './values.ts'

const format = z.enum(['events', 'ocsf']).default('events').meta({
  description:
    '`http` and `syslog`: how events are sent, as they were written (`events`) or as OCSF 1.6 (`ocsf`).',
})
const name = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and hyphens')
  .meta({ description: 'Name of the sink. What has been delivered to it is remembered under this name.' })

const kind = <Kind extends string>(value: Kind): z.ZodLiteral<Kind> =>
  z.literal(value).meta({
    description:
      'Where the events are copied to: a URL, a syslog server, or a table in PostgreSQL (docs/audit.md).',
  })

const httpSink = z.strictObject({
  kind: kind('http'),
  name,
  url: httpUrl.meta({ description: '`http`: the URL that arrays of events are posted to as JSON.' }),
  token: bearerToken.optional().meta({
    description:
      '`http`: the bearer token for that URL. Best set as the name of an environment variable: `$NAME`.',
  }),
  format,
})

const syslogSink = z.strictObject({
  kind: kind('syslog'),
  name,
  transport: z
    .enum(['udp', 'tcp', 'tls'])
    .default('tls')
    .meta({ description: '`syslog`: the transport protocol of the messages.' }),
  host: z.string().min(1).meta({ description: '`syslog`: the name or address of the server.' }),
  port: whole(1, 65_535).default(6514).meta({ description: '`syslog`: the port of the server.' }),
  ca: z.string().min(1).optional().meta({
    description:
      '`syslog`: a PEM file with the certificates that vouch for the server. Default: those of the system.',
  }),
  format,
})

const postgresSink = z.strictObject({
  kind: kind('postgres'),
  name,
  url: databaseUrl.optional().meta({
    description:
      '`postgres`: the URL of the database, best set as the name of an environment variable: `$NAME`. Default: `store.url`.',
  }),
})

/** The setting `audit`. */
export const auditSchema = z
  .strictObject({
    folder: folder.optional().meta({
      description: 'Folder for the events, on a local disk. Default: `audit` in the data folder.',
    }),
    whenUnwritable: z.enum(['continue', 'refuse']).default('continue').meta({
      description:
        'What happens while events cannot be written. `continue` keeps them in memory; `refuse` makes no decisions, and always writes each event before its decision is answered.',
    }),
    checkpointSeconds: whole(1, 3600).default(60).meta({
      description: 'Time between signatures, if there were events.',
    }),
    fileMegabytes: whole(1, 10_240).default(100).meta({
      description: 'Size at which a new file is started. Each day also starts a new one.',
    }),
    keepDays: whole(1, 36_500).optional().meta({
      description: 'Number of days that events are kept. Default: forever.',
    }),
    sinks: z
      .array(
        z.discriminatedUnion('kind', [httpSink, syslogSink, postgresSink], {
          error: ({ code }) =>
            code === 'invalid_union' ? 'must be one of http, syslog, postgres' : undefined,
        }),
      )
      .default([])
      .meta({
        description: 'Destinations that events are copied to (docs/audit.md).',
      }),
  })
  .prefault({})

/** One destination that events are copied to. */
export type SinkConfig = z.output<typeof auditSchema>['sinks'][number]
