import { Command } from 'commander'
import { writeAnchor } from '../../audit/anchors.ts'
import { firstEvidence, writeSpot } from '../../audit/findings.ts'
import { readTrailKeys } from '../../audit/signature.ts'
import { systemClock } from '../../core/clock.ts'
import { openKeyRing } from '../../keys/key-ring.ts'
import { auditKeys } from '../../keys/key-states.ts'
import { audited } from '../audited.ts'
import { wrongOperand } from '../operand-wrong.ts'
import { addInstallationFlags, type OpenStore, type StoreFlags, withStore } from '../with-store.ts'
import { parseTime } from './audit-filter.ts'
import { auditKeySetOf } from './audit-keys.ts'
import { openDatabase, tableName } from './audit-source.ts'
import { verifyTable } from './audit-verify.ts'

interface PruneFlags extends StoreFlags {
  readonly database?: boolean
  readonly before?: number
}

const dayMilliseconds = 24 * 3600 * 1000

/** `portcullis audit prune`: removes old events from the copy in PostgreSQL, so that what is left still verifies. */
export function auditPruneCommand(): Command {
  return addInstallationFlags(new Command('prune'))
    .description('Remove old events from the copy in PostgreSQL. What is left still verifies.')
    .option(
      '--database',
      'prune the copy in PostgreSQL (required): old files are removed automatically, by audit.keepDays',
    )
    .option(
      '--before <time>',
      'remove what is older than this: 2026-11-27, or 90d (default: audit.keepDays)',
      parseTime,
    )
    .action(async (flags: PruneFlags) => {
      if (flags.database !== true)
        throw wrongOperand(
          '--database',
          'is required: old files are removed automatically, by audit.keepDays',
        )
      const removed = await withStore(flags, (open) => prune(open, flags))
      console.log(
        removed === 0
          ? 'nothing is old enough to remove'
          : `removed ${removed} ${removed === 1 ? 'event' : 'events'}`,
      )
    })
}

/**
 * Stops at the first event that is recent enough, or that does not verify, since evidence of tampering must
 * not disappear.
 */
async function prune(open: OpenStore, flags: PruneFlags): Promise<number> {
  const { store, config } = open
  const before = timeOf(flags, config.audit.keepDays)
  const { table, tenant } = await openDatabase(flags)
  try {
    const below = await table.markBefore(tenant, before)
    const keys = readTrailKeys(await auditKeySetOf(store))
    const verified = await verifyTable(table, { tenant, below }, keys)
    const { heads, events: count } = verified
    const finding = firstEvidence(verified)
    if (finding !== undefined)
      throw wrongOperand(tableName, `nothing is removed: ${writeSpot(finding)} ${finding.message}`)
    if (count === 0) return 0
    const signer = (await openKeyRing({ store: store.keys, ...auditKeys, clock: systemClock })).signing
    const anchor = writeAnchor({ file: tableName, places: heads, now: systemClock.now() }, signer)
    const target = `${tableName} before ${new Date(before).toISOString()}`
    await audited(open, { event: 'admin.audit', action: 'prune', target }, () =>
      table.remove({ tenant, below, count, anchor }),
    )
    return count
  } finally {
    await table.close()
  }
}

function timeOf({ before }: PruneFlags, keepDays: number | undefined): number {
  if (before !== undefined) return before
  if (keepDays !== undefined) return systemClock.now() - keepDays * dayMilliseconds
  throw wrongOperand('--before', 'is required where audit.keepDays is not set')
}
