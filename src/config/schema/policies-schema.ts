import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { unreadReason } from '../reading/unread-file.ts'

/** A file with policies, as it is when the configuration is read. */
const policyFile = z
  .string()
  .min(1)
  .transform((file, context) => {
    try {
      const content = readFileSync(file)
      if (isUtf8(content)) return { file, text: content.toString().replace(/^\uFEFF/, '') }
      context.addIssue({ code: 'custom', message: `${file} is not in UTF-8: save it in that encoding` })
      return z.NEVER
    } catch (error) {
      context.addIssue({ code: 'custom', message: `${file} ${unreadReason(error, 'policies in Cedar')}` })
      return z.NEVER
    }
  })

/** The files with the policies of an installation or a tenant. */
export const policiesSchema = z.array(policyFile).default([]).meta({
  description:
    'Files with Cedar policies that say which callers may use which tools, resources and prompts (docs/policies.md). With any, nothing may be used that no policy permits. A change of a file takes effect like one of this configuration.',
})

/** Whether policies decide. */
export const policyModeSchema = z.enum(['enforce', 'report']).default('enforce').meta({
  description:
    'Whether policies decide (`enforce`), or everything is decided as if there were none, and log, audit and metrics tell of each call that they would have refused (`report`).',
})

const members = (what: string) => z.array(z.string().min(1).max(500)).default([]).meta({ description: what })

/** Who has which role, beside what issuers say. */
export const rolesSchema = z
  .record(
    z.string().min(1).max(200),
    z.strictObject({
      users: members(
        'Ids of users who have the role: the `sub` of their tokens, which `portcullis user list` shows.',
      ),
      groups: members('Groups, as issuers name them, whose members have the role.'),
      clients: members('Ids of clients that have the role where no user stands behind them.'),
    }),
  )
  .default({})
  .meta({
    description:
      'Roles for policies, in addition to those that issuers name: `{ editor: { groups: [staff], users: [usr_x] } }` is `Role::"editor"`.',
  })
