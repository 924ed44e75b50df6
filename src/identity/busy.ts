import type { LoginRefused } from './contract.ts'
import { Busy } from './turns.ts'

const busy: LoginRefused = {
  refused: 'Too many people are signing in at the moment. Please try again.',
  reason: 'too many logins at once',
  retryAfterSeconds: 5,
}

/** Runs a task that hashes passwords. Resolves to its result, or to a refusal if too many are waiting. */
export async function unlessBusy<T>(task: () => Promise<T>): Promise<T | LoginRefused> {
  try {
    return await task()
  } catch (error) {
    if (!(error instanceof Busy)) throw error
    return busy
  }
}
