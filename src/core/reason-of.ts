/**
 * Why something failed, for the operator: its message, followed by that of the root cause in brackets. An error
 * without a message, such as that of connecting to several addresses, is named by its code.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const said = wordsOf(error)
  const rootCause = wordsOf(rootCauseOf(error))
  return said.includes(rootCause) ? said : `${said} (${rootCause})`
}

function rootCauseOf(error: Error): Error {
  return error.cause instanceof Error ? rootCauseOf(error.cause) : error
}

function wordsOf({ message, name, ...more }: Error): string {
  const { code } = more as NodeJS.ErrnoException
  return message || code || name
}
