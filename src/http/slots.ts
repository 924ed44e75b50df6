/** Places for concurrent work, limited per key and in total. */
export interface Slots {
  /** Takes a place and returns a function that gives it back, or undefined if there is none. */
  take(key: string): (() => void) | undefined
}

/** Builds slots. Keys take memory only while they hold a place. */
export function createSlots({ perKey, total }: { perKey: number; total: number }): Slots {
  const taken = new Map<string, number>()
  let all = 0
  return {
    take(key) {
      const mine = taken.get(key) ?? 0
      if (mine >= perKey || all >= total) return undefined
      taken.set(key, mine + 1)
      all += 1
      return () => {
        const left = (taken.get(key) ?? 1) - 1
        if (left === 0) taken.delete(key)
        else taken.set(key, left)
        all -= 1
      }
    },
  }
}
