/**
 * Whether a text has no control characters, which nobody can type, and of which PostgreSQL does not accept NUL,
 * and no half of a surrogate pair, of which every store makes the same replacement character. Untrusted input.
 */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text)
}
