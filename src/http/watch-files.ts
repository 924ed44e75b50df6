import { stat } from 'node:fs/promises'

interface WatchOptions {
  readonly files: readonly string[]
  /** Called when files have changed and then remained unchanged for a moment, and once at the beginning. */
  readonly onChange: () => void
  /** Milliseconds between two checks. */
  readonly everyMs?: number
}

/**
 * Watches files by polling, since that also detects files that were renamed into place, redirected links on
 * their paths, and changes made by others over the network. Editors and copy programs write in several steps,
 * and two files are never replaced at the same instant, so a change counts once two checks have found the
 * same. Returns a function that stops it.
 */
export function watchFiles({ files, onChange, everyMs = 1000 }: WatchOptions): () => void {
  let seen: string | undefined
  let told: string | undefined
  let looking = false
  let stopped = false

  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    const state = (await Promise.all(files.map(describeFile))).join('\n')
    looking = false
    const settled = state === seen
    seen = state
    if (stopped || !settled || state === told) return
    told = state
    onChange()
  }

  const timer = setInterval(() => void look(), everyMs).unref()
  void look()
  return () => {
    stopped = true
    clearInterval(timer)
  }
}

/** Everything that changes when a file is written, replaced, or reached through another link. */
async function describeFile(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found === undefined
    ? 'missing'
    : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}
