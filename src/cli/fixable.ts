import { AuditUnusable } from '../audit/audit-unusable.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import { StoreAway } from '../core/store-away.ts'
import { WorkerFolderUnusable } from '../core/worker-place.ts'
import { Unreachable } from '../doctor/unreachable.ts'
import { AddressUnusable, PortForbidden, PortTaken } from '../http/listen.ts'
import { PersonRefused } from '../identity/people.ts'
import { DataFolderUnusable } from '../keys/data-folder.ts'
import { sqliteCode, sqliteCodes } from '../storage/database/sqlite-code.ts'
import { StoreUnusable } from '../storage/store-unusable.ts'
import { WorkerFailed } from '../workers/failure.ts'
import { DoctorMisused } from './doctor-misused.ts'
import { NotRunning } from './find-dashboard.ts'
import { OperandWrong } from './operand-wrong.ts'

const fixableErrors = [
  AddressUnusable,
  AuditUnusable,
  OperandWrong,
  NotRunning,
  ConfigurationInvalid,
  PortTaken,
  PortForbidden,
  StoreAway,
  StoreUnusable,
  DataFolderUnusable,
  PersonRefused,
  DoctorMisused,
  Unreachable,
  WorkerFailed,
  WorkerFolderUnusable,
]

/**
 * What the operating system refuses, whose own text says why: access, a path that it does not take, a full
 * disk, a limit, a bad disk, a folder where a file should be, a file that is mounted or, on Windows, open.
 */
const systemCodes: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EPERM',
  'EBUSY',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOTDIR',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EMFILE',
  'ENFILE',
  'EIO',
  'ERR_FS_EISDIR',
])
/** The same of SQLite. */
const { readOnly, inputOutput, full, cannotOpen } = sqliteCodes
const refusedCodes: ReadonlySet<number> = new Set([readOnly, inputOutput, full, cannotOpen])

/** Whether an operator can fix what went wrong, which is then reported in one line, without a stack. */
export function isFixable(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return (
    fixableErrors.some((kind) => error instanceof kind) ||
    systemCodes.has(code) ||
    refusedCodes.has(sqliteCode(error))
  )
}
