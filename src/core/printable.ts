/**
 * Whether a text can be a name at all. Stores fail on control characters: PostgreSQL does not accept NUL.
 * Untrusted input.
 */
export function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}
