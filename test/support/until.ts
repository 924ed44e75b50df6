import { setTimeout as wait } from 'node:timers/promises'

/** Waits until something holds, looking again and again. Throws after half a minute, or after the time given. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = String(holds),
  patienceMilliseconds = 30_000,
): Promise<void> {
  const end = performance.now() + patienceMilliseconds
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await wait(10)
  }
}
