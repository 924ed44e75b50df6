/**
 * Whether a text has no control characters and no half of a surrogate pair. Nobody can type the former, and
 * PostgreSQL does not accept NUL; every store turns each of the latter into the same character. The text is
 * untrusted.
 */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text)
}
