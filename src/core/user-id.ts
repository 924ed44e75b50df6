/**
 * How the id of every local user begins, and that of no client. A token of a machine has its client id for `sub`, which
 * must never be a person's (RFC 9700 section 4.15).
 */
export const userIdPrefix = 'usr_'

/** Whether an id belongs to the local users. */
export function isUserId(id: string): boolean {
  return id.startsWith(userIdPrefix)
}
