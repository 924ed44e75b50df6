/** Result codes of SQLite that mean something here. */
export const sqliteCodes = {
  busy: 5,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** The primary result code of an error of SQLite, without the bits that say more; 0 for any other error. */
export function sqliteCode(error: unknown): number {
  const { errcode = 0 } = (error ?? {}) as { readonly errcode?: number }
  return errcode & 0xff
}
