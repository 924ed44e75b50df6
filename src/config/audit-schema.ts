import { z } from 'zod'
import { whole } from './values.ts'

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
  })
  .prefault({})
