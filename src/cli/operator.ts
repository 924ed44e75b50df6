import { userInfo } from 'node:os'

/**
 * The name in the audit for what is done on this machine. In a container, a user may have a number and no
 * name.
 */
export function operatorName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
