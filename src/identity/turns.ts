/** There is more to do than can be done in time: the caller should try again in a moment. */
export class Busy extends Error {
  constructor() {
    super('too many are waiting already')
    this.name = 'Busy'
  }
}

/**
 * Lets at most `running` tasks run and `waiting` tasks wait, first come first served. Rejects with Busy
 * beyond that.
 */
export function takeTurns(running: number, waiting: number): <T>(task: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let free = running
  return async (task) => {
    if (free > 0) free--
    else if (queue.length >= waiting) throw new Busy()
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      return await task()
    } finally {
      const next = queue.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
