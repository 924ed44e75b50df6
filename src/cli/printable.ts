/** A text without what may control a terminal: names and ids come from strangers. */
export function printable(text: unknown): string {
  return typeof text === 'string' ? text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '') : ''
}
