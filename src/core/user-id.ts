/**
 * The prefix of every local user's id, and of no client's. A machine's token has its client id as `sub`,
 * which must never equal a user's (RFC 9700 section 4.15).
 */
export const userIdPrefix = 'usr_'

/** Whether an id is that of a local user. */
export function isUserId(id: string): boolean {
  return id.startsWith(userIdPrefix)
}
