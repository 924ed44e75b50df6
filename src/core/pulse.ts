/** Calls back once a second. Returns a function that stops it. */
export type Pulse = (look: () => void) => () => void

const pulseMilliseconds = 1000

/** One timer for everybody: all of them look in the same turn, so that what they ask can be asked together. */
export function openPulse(): Pulse {
  const looks = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  return (look) => {
    looks.add(look)
    timer ??= setInterval(() => {
      for (const each of looks) each()
    }, pulseMilliseconds).unref()
    return () => {
      looks.delete(look)
      if (looks.size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }
}
