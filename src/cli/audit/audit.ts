import { Command } from 'commander'
import { auditExportCommand } from './audit-export.ts'
import { auditKeysCommand } from './audit-keys.ts'
import { auditPruneCommand } from './audit-prune.ts'
import { auditQueryCommand } from './audit-query.ts'
import { auditReportCommand } from './audit-report.ts'
import { auditVerifyCommand } from './audit-verify.ts'

/** `portcullis audit`: what was decided, and whether anybody has changed the record of it. */
export function auditCommand(): Command {
  return new Command('audit')
    .description('Verify, search and export the record of every decision.')
    .addCommand(auditVerifyCommand())
    .addCommand(auditQueryCommand())
    .addCommand(auditExportCommand())
    .addCommand(auditReportCommand())
    .addCommand(auditPruneCommand())
    .addCommand(auditKeysCommand())
}
