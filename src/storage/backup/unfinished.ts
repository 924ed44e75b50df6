/**
 * Runs `use`, and then `remove`, which removes what is unfinished: at the latest when the process ends, if that has an
 * `exit` event.
 */
export async function leavingNothing<T>(remove: () => void, use: () => Promise<T>): Promise<T> {
  process.prependOnceListener('exit', remove)
  try {
    return await use()
  } finally {
    process.off('exit', remove)
    remove()
  }
}
