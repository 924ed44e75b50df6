/**
 * Whether a text has no control characters: nobody can type them, and PostgreSQL does not accept NUL. Untrusted
 * input.
 */
export function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}
