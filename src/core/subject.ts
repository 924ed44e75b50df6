import { isPrintable } from './printable.ts'

const longest = 255

/**
 * Whether an identity provider's name for a user (`sub`, OpenID Connect Core section 2) can be kept and passed
 * on. Untrusted input.
 */
export function isUsableSubject(subject: string): boolean {
  return subject !== '' && subject.length <= longest && isPrintable(subject)
}
