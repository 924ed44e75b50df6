const namePattern = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@+-]{0,63}$/u

/** The rule for names, for the user. */
export const nameRule = 'A name has up to 64 letters, digits and . _ @ + - and begins with a letter or digit.'

/** Describes what is wrong with the name of a user, or returns undefined. Untrusted input. */
export function nameProblem(name: string): string | undefined {
  return namePattern.test(name.normalize('NFKC')) ? undefined : nameRule
}

/**
 * The form in which texts are compared: two names that differ only in case or Unicode form are the same
 * (NFKC, and full case folding, which upper case followed by lower case amounts to).
 */
export function fold(text: string): string {
  return text.trim().normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}
