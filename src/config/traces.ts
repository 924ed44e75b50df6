import { z } from 'zod'
import { httpUrl } from './values.ts'

const ratio = 'must be a number from 0 to 1'

/** The setting `traces`. */
export const tracesSchema = z
  .strictObject({
    endpoint: httpUrl.optional().meta({
      description:
        'Where traces go, over OTLP in protobuf, such as `http://collector:4318/v1/traces`. Default: there are none.',
    }),
    authorization: z.string().min(1).optional().meta({
      description:
        'Value of the `Authorization` header that goes there, such as `Bearer …`. Best as the name of a variable: `$NAME`.',
    }),
    sampleRatio: z.number(ratio).min(0, ratio).max(1, ratio).default(1).meta({
      description: 'Share of traces that is kept, whatever a client asks for.',
    }),
    serviceName: z.string().min(1).default('portcullis').meta({
      description: 'How the traces call this service.',
    }),
  })
  .prefault({})
