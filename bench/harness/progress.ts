/** One line that shows the progress of a run: rewritten on a terminal, otherwise a line now and then. */
export interface Progress {
  readonly say: (what: string) => void
  /** Another sample begins. */
  readonly step: (what: string) => void
  readonly end: () => void
}

const quietMilliseconds = 10_000

/** Shows the progress towards a number of samples on standard error. */
export function createProgress(samples: number): Progress {
  const { stderr } = process
  let done = 0
  let shown = -Infinity
  const say = (what: string): void => {
    const line = `${String(Math.floor((100 * done) / Math.max(1, samples))).padStart(3)} %  ${what}`
    if (stderr.isTTY) stderr.write(`\r\x1b[K${line.slice(0, stderr.columns - 1)}`)
    else if (performance.now() - shown > quietMilliseconds) {
      stderr.write(`${line}\n`)
      shown = performance.now()
    }
  }
  return {
    say,
    step(what) {
      say(what)
      done++
    },
    end: () => void stderr.write(stderr.isTTY ? '\r\x1b[K' : ''),
  }
}
