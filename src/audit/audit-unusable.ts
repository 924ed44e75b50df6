/** An audit that cannot be opened or read, with the cause and the fix for the operator. */
export class AuditUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AuditUnusable'
  }
}

const fixes: ReadonlyMap<string | undefined, string> = new Map([
  ['EISDIR', 'it is a folder: move it away'],
  ['ENOENT', 'it was removed meanwhile, as pruning does: try again'],
])

const writingFixes: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOSPC', 'make room there'],
  ['EDQUOT', 'make room there'],
  ['ELOOP', 'remove the link, which may lead to the file of somebody else'],
])

/** The same for a file that cannot be read. */
export function unreadable(path: string, error: unknown): AuditUnusable {
  const { code, message } = error as NodeJS.ErrnoException
  const fix = fixes.get(code) ?? 'let this user read it'
  return new AuditUnusable(`${path}, of the audit, cannot be read (${message}): ${fix}`, { cause: error })
}

/** The same for a folder that cannot be written. */
export function unwritable(folder: string, error: unknown): AuditUnusable {
  const { code, message } = error as NodeJS.ErrnoException
  const fix = writingFixes.get(code) ?? 'let this user write it'
  return new AuditUnusable(
    `the folder of the audit, ${folder}, cannot be written (${message}): ${fix}, or choose another one with audit.folder`,
    { cause: error },
  )
}
