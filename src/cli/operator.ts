import { userInfo } from 'node:os'

/** Whom the audit names for what is done on this machine. In a container a user may have a number and no name. */
export function operatorName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
