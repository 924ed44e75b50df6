import type { LoginRefused } from './contract.ts'
import { Busy } from './turns.ts'

const busy: LoginRefused = {
  refused: 'Too many people are signing in at the moment. Please try again.',
  reason: 'too many logins at once',
  retryAfterSeconds: 5,
}

/** What a task resolves to that hashes passwords, or a refusal if there are more hashes than can be computed. */
export async function unlessBusy<T>(task: () => Promise<T>): Promise<T | LoginRefused> {
  try {
    return await task()
  } catch (error) {
    if (!(error instanceof Busy)) throw error
    return busy
  }
}
