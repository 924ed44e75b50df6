/**
 * An untrusted text as people may see it, on a page, in a terminal or in a log: without what could make it
 * look like something else (control characters, direction marks, zero-width characters), and shortened.
 */
export function displayText(text: string, maxLength = 80): string {
  const clean = text
    .normalize('NFC')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]|\p{Default_Ignorable_Code_Point}/gu, '')
    .trim()
  if (clean.length <= maxLength) return clean
  // A character outside the basic plane may have been cut in two.
  return `${clean.slice(0, maxLength - 1).replace(/\p{Surrogate}$/u, '')}…`
}
