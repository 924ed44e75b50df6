const namePattern = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@+-]{0,63}$/u

/** The rule for names, for a person. */
export const nameRule = 'A name has up to 64 letters, digits and . _ @ + - and begins with a letter or digit.'

/** Says in words what is wrong with the name of a user, or undefined. Untrusted input. */
export function nameProblem(name: string): string | undefined {
  return namePattern.test(name.normalize('NFKC')) ? undefined : nameRule
}

/** Whether a text can be a name at all. Stores fail on control characters: PostgreSQL keeps no NUL. Untrusted input. */
export function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}

/**
 * The spelling in which texts are compared: two names that differ in case or in Unicode form alone are one (NFKC, and
 * the full case folding that upper case followed by lower case comes to).
 */
export function fold(text: string): string {
  return text.trim().normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}
