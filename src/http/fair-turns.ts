/** Places for concurrent work, for which others wait. */
export interface FairTurns {
  /**
   * Waits for a place. Resolves to a function that gives it back, or to undefined if too many wait for the same
   * key, or `signal` is aborted before a place is free.
   */
  take(key: string, signal?: AbortSignal): Promise<(() => void) | undefined>
}

interface FairTurnsOptions {
  readonly places: number
  /** How many may wait for each key. Default: any number. */
  readonly waiting?: number
}

/**
 * Builds the turns: keys take turns, so that whoever has much to do does not make the others wait, and within a
 * key it is first come, first served. Keys take memory only while somebody waits for them.
 */
export function fairTurns({ places, waiting = Number.POSITIVE_INFINITY }: FairTurnsOptions): FairTurns {
  /** The key whose turn is next comes first. */
  const queues = new Map<string, Set<() => void>>()
  let free = places

  const leave = (key: string, begin: () => void): void => {
    const queue = queues.get(key)
    queue?.delete(begin)
    if (queue?.size === 0) queues.delete(key)
  }

  const giveBack = (): void => {
    const [next] = queues
    if (next === undefined) {
      free++
      return
    }
    const [key, queue] = next
    const [begin] = queue
    queues.delete(key)
    queues.set(key, queue)
    begin?.()
  }

  return {
    async take(key, signal) {
      if (signal?.aborted === true) return undefined
      if (free > 0) {
        free--
        return giveBack
      }
      const queue = queues.get(key) ?? new Set()
      if (queue.size >= waiting) return undefined
      queues.set(key, queue)
      return new Promise((resolve) => {
        const begin = (): void => {
          leave(key, begin)
          resolve(giveBack)
        }
        queue.add(begin)
        signal?.addEventListener('abort', () => {
          leave(key, begin)
          resolve(undefined)
        })
      })
    },
  }
}
