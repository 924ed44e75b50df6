/**
 * Why something failed, for the operator: its message, followed by the root cause in brackets. Failing to
 * connect to several addresses gives a code and no message.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const said = wordsOf(error)
  const beginning = wordsOf(beginningOf(error))
  return said.includes(beginning) ? said : `${said} (${beginning})`
}

function beginningOf(error: Error): Error {
  return error.cause instanceof Error ? beginningOf(error.cause) : error
}

function wordsOf({ message, name, ...more }: Error): string {
  const { code } = more as NodeJS.ErrnoException
  return message || code || name
}
