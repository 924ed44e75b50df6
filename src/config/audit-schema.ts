import { z } from 'zod'
import { httpUrl, whole } from './values.ts'

const format = z.enum(['events', 'ocsf']).default('events').meta({
  description: 'Events as they were written, or as OCSF 1.6.',
})
const name = z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and hyphens')
const named = name.meta({ description: 'Names the sink. What it has is remembered under this name.' })

const httpSink = z.strictObject({
  kind: z.literal('http'),
  name: named,
  url: httpUrl.meta({ description: 'Where arrays of events are posted as JSON.' }),
  token: z.string().min(1).optional().meta({
    description: 'Bearer token for it. Best given as the name of a variable: `$NAME`.',
  }),
  format,
})

const syslogSink = z.strictObject({
  kind: z.literal('syslog'),
  name: named,
  transport: z.enum(['udp', 'tcp', 'tls']).default('tls').meta({ description: 'How messages travel.' }),
  host: z.string().min(1).meta({ description: 'Name or address of the syslog server.' }),
  port: whole(1, 65_535).default(6514).meta({ description: 'Its port.' }),
  ca: z.string().min(1).optional().meta({
    description: 'File (PEM) of the certificates that vouch for it. Default: those of the system.',
  }),
  format,
})

const postgresSink = z.strictObject({
  kind: z.literal('postgres'),
  name: named,
  url: z.string().min(1).optional().meta({
    description: 'The PostgreSQL database, or the name of a variable: `$NAME`. Default: `store.url`.',
  }),
})

/** The setting of the audit. */
export const auditSchema = z
  .strictObject({
    folder: z.string().min(1).optional().meta({
      description: 'Folder of the events, on a disk of this machine. Default: `audit` in the data folder.',
    }),
    whenUnwritable: z.enum(['continue', 'refuse']).default('continue').meta({
      description:
        'What happens while events cannot be written: they wait in memory, or nothing is decided. `refuse` writes each event before its decision takes effect.',
    }),
    checkpointSeconds: whole(1, 3600).default(60).meta({
      description: 'Time between signatures, where there were events.',
    }),
    fileMegabytes: whole(1, 10_240).default(100).meta({
      description: 'Size beyond which a new file begins. Each day begins one, too.',
    }),
    keepDays: whole(1, 36_500).optional().meta({
      description: 'Days for which events are kept. Default: for ever.',
    }),
    sinks: z
      .array(
        z.discriminatedUnion('kind', [httpSink, syslogSink, postgresSink], {
          error: 'must be one of http, syslog, postgres',
        }),
      )
      .default([])
      .meta({
        description: 'Where events are copied to.',
      }),
  })
  .prefault({})

/** One place that events are copied to. */
export type SinkConfig = z.output<typeof auditSchema>['sinks'][number]
