import { statSync } from 'node:fs'
import { Command } from 'commander'
import { anchorsOf, readAnchors } from '../../audit/anchors.ts'
import { anchorsName, filePaths } from '../../audit/files.ts'
import { type Finding, writeSpot } from '../../audit/findings.ts'
import { readLines } from '../../audit/read-lines.ts'
import { readTrailKeys, type TrailKeys } from '../../audit/signature.ts'
import { type Verification, verifyTrail } from '../../audit/verify.ts'
import type { AuditSelection, AuditTable } from '../../storage/tables/audit-table.ts'
import { wrongOperand } from '../operand-wrong.ts'
import { printable } from '../printable.ts'
import { readJsonFile } from '../read-file.ts'
import { addInstallationFlags } from '../with-store.ts'
import { auditKeySet } from './audit-keys.ts'
import {
  addSourceFlag,
  foldersOf,
  linesOf,
  openDatabase,
  type SourceFlags,
  tableName,
} from './audit-source.ts'

interface VerifyFlags extends SourceFlags {
  readonly keys?: string
}

interface Verified extends Verification {
  /** The folder, or the database. */
  readonly folder: string
}

/** `portcullis audit verify`: whether an event was changed, removed or moved. Exits with 1 if so. */
export function auditVerifyCommand(): Command {
  return addSourceFlag(addInstallationFlags(new Command('verify')))
    .description('Check whether any event was changed, removed or moved. Exits with 1 if one was.')
    .argument('[folders...]', 'folders with events (default: that of the installation)')
    .option('--keys <file>', 'public keys, as portcullis audit keys prints them; then no store is needed')
    .option('--json', 'print JSON for programs')
    .action(async (named: string[], flags: VerifyFlags) => {
      const keys = flags.keys === undefined ? readTrailKeys(await auditKeySet(flags)) : readKeys(flags.keys)
      const results = await verifySource(named, flags, keys)
      if (flags.json === true) console.log(JSON.stringify(results, undefined, 2))
      else for (const result of results) tell(result)
      if (results.some(({ findings }) => findings.length > 0)) process.exitCode = 1
    })
}

/**
 * Verifies the events of each given folder, of the installation's, or of the database. Throws OperandWrong.
 */
export async function verifySource(
  named: readonly string[],
  flags: SourceFlags,
  keys: TrailKeys,
): Promise<readonly Verified[]> {
  if (flags.database === true) {
    const { table, tenant } = await openDatabase(flags, named)
    try {
      return [{ folder: 'the database', ...(await verifyTable(table, { tenant }, keys)) }]
    } finally {
      await table.close()
    }
  }
  const results: Verified[] = []
  for (const folder of foldersOf(named, flags)) results.push(await verifyFolder(folder, keys))
  return results
}

/** Verifies the events of a folder, and shows its progress on a terminal. */
async function verifyFolder(folder: string, keys: TrailKeys): Promise<Verified> {
  const paths = filePaths(folder)
  const total = paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
  const { places, wrong } = readAnchors(folder, keys)
  const progress = process.stderr.isTTY ? showProgress(total) : undefined
  const lines = readLines(paths, { isLive: true })
  const verified = await verifyTrail(lines, { keys, anchors: places, onProgress: progress?.step })
  progress?.end()
  return { folder, ...verified, findings: [...unsigned(wrong, anchorsName), ...verified.findings] }
}

/**
 * Verifies the selected rows of the table, and that the columns by which they are found agree with their
 * lines.
 */
export async function verifyTable(
  table: AuditTable,
  wanted: AuditSelection,
  keys: TrailKeys,
): Promise<Verification> {
  const { places, wrong } = anchorsOf(await table.anchors(wanted.tenant), keys)
  const stray: number[] = []
  const lines = linesOf(table, wanted, (line) => stray.push(line))
  const verified = await verifyTrail(lines, { keys, anchors: places })
  const strays = stray.map((line): Finding => {
    const message = 'the columns of this row do not match its line'
    return { kind: 'changed', source: tableName, line, message }
  })
  return { ...verified, findings: [...unsigned(wrong, 'audit_anchors'), ...strays, ...verified.findings] }
}

function unsigned(wrong: readonly number[], source: string): Finding[] {
  const message = 'this anchor is not signed by a trusted key, so it does not count'
  return wrong.map((line) => ({ kind: 'unsigned', source, line, message }))
}

function tell({ folder, events, chains, findings, more, unsealed, open, torn }: Verified): void {
  for (const { kind, message, ...spot } of findings)
    console.log(`${kind.padEnd(10)} ${writeSpot(spot)}  ${printable(message)}`)
  if (more > 0) console.log(`… and ${more} more`)
  const judgement =
    findings.length === 0 ? 'nothing was changed, removed or moved' : 'this record is not what it was'
  console.log(`${folder}: ${events} events in ${chains} ${chains === 1 ? 'chain' : 'chains'}: ${judgement}`)
  if (open > 0)
    console.log(`${open} of them without an end: their processes are still running, or were killed`)
  if (torn > 0)
    console.log(
      `${torn} ${torn === 1 ? 'line is' : 'lines are'} torn: a process was killed, or the machine stopped, while it wrote`,
    )
  if (unsealed > 0)
    console.log(
      `${unsealed} events came after the last signature of their chain: anyone who can write the files could change those`,
    )
}

/** A progress line on the terminal, updated a few times per second. */
function showProgress(total: number): {
  step: (progress: { events: number; bytes: number }) => void
  end: () => void
} {
  let shown = 0
  return {
    step({ events, bytes }) {
      if (performance.now() - shown < 100) return
      shown = performance.now()
      process.stderr.write(`\r${Math.floor((bytes / total) * 100)} %, ${events} events`)
    },
    end: () => void process.stderr.write('\r\u001b[K'),
  }
}

function readKeys(file: string): TrailKeys {
  const read = readJsonFile(file)
  if ('problem' in read) throw wrongOperand('--keys', read.problem)
  let keys: TrailKeys
  try {
    keys = readTrailKeys(read.content)
  } catch (error) {
    throw wrongOperand('--keys', `${file} cannot be used: ${(error as Error).message}`)
  }
  if (keys.size > 0) return keys
  throw wrongOperand('--keys', `${file} holds no key: pass what portcullis audit keys prints`)
}
