/** A word of a command that a user can paste, quoted for the shells of the system if necessary. */
export function quoteWord(word: string): string {
  // Both shells of Windows take double quotes, and a backslash as it is; programs do not where a quote follows.
  if (process.platform === 'win32')
    return /^[\w./:@+\\-]+$/.test(word) ? word : `"${word.replace(/\\+$/, '$&$&')}"`
  return /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
