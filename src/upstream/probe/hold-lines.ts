/** What a server prints while it is asked what it speaks. */
export interface HeldLines {
  take(line: string): void
  /** The server has answered. */
  drop(): void
  /** The server has ended. */
  flush(): void
}

const holdMilliseconds = 1000
const mostHeld = 1000

/**
 * Passes on the lines of a process in which a server is only asked what it speaks, a second later, unless the answer
 * comes first: many servers complain at length of a question that they do not know, and say all else again in the next
 * process.
 */
export function holdLines(pass: (line: string) => void): HeldLines {
  const held = new Map<NodeJS.Timeout, string>()
  let hasAnswered = false
  const forget = (): void => {
    for (const timer of held.keys()) clearTimeout(timer)
    held.clear()
  }
  return {
    take(line) {
      if (hasAnswered) return
      if (held.size >= mostHeld) return pass(line)
      const timer = setTimeout(() => {
        held.delete(timer)
        pass(line)
      }, holdMilliseconds).unref()
      held.set(timer, line)
    },
    drop() {
      hasAnswered = true
      forget()
    },
    flush() {
      const lines = [...held.values()]
      forget()
      for (const line of lines) pass(line)
    },
  }
}
