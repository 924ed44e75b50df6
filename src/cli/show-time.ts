/**
 * Shows on a terminal, every second, what is being done and for how long. `work` may end that, before it prints
 * anything.
 */
export async function showingTime<T>(what: string, work: (end: () => void) => Promise<T>): Promise<T> {
  const began = performance.now()
  const show = (): void => {
    process.stderr.write(`\r${what}: ${Math.round((performance.now() - began) / 1000)} s`)
  }
  let timer = process.stderr.isTTY ? setInterval(show, 1000) : undefined
  const end = (): void => {
    if (timer !== undefined) process.stderr.write('\r\u001b[K')
    clearInterval(timer)
    timer = undefined
  }
  try {
    return await work(end)
  } finally {
    end()
  }
}
