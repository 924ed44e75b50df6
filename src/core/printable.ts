/**
 * Whether a text has no control characters, which nobody can type, and at which stores fail: PostgreSQL does not
 * accept NUL.
 * Untrusted input.
 */
export function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}
