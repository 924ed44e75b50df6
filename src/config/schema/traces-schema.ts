import { z } from 'zod'
import { headerValue, httpUrl } from './values.ts'

const ratio = 'must be a number from 0 to 1'

/** The setting `traces`. */
export const tracesSchema = z
  .strictObject({
    endpoint: httpUrl.optional().meta({
      description:
        'URL that traces are sent to, over OTLP in protobuf, such as `http://collector:4318/v1/traces`. Default: no traces are sent.',
    }),
    authorization: headerValue.optional().meta({
      description:
        'Value of the `Authorization` header sent with them, such as `Bearer …`. Best set as the name of an environment variable: `$NAME`.',
    }),
    sampleRatio: z.number(ratio).min(0, ratio).max(1, ratio).default(1).meta({
      description: 'Fraction of traces that is kept, whatever a client asks for.',
    }),
    serviceName: z.string().min(1).default('portcullis').meta({
      description: 'Name of this service in the traces.',
    }),
  })
  .prefault({})
