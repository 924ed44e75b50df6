import { stat } from 'node:fs/promises'

interface WatchOptions {
  readonly file: string
  /** Called when the file has changed and then remained unchanged for a moment, and once at the beginning. */
  readonly onChange: () => void
  /** Milliseconds between two checks. */
  readonly everyMs?: number
}

/**
 * Watches a file by polling, since that also detects a file that was renamed into place, redirected links on
 * its path, and changes made by others over the network. Editors and copy programs write in several steps, so
 * a change counts once two checks have found the same. Returns a function that stops it.
 */
export function watchFile({ file, onChange, everyMs = 1000 }: WatchOptions): () => void {
  let seen: string | undefined
  let told: string | undefined
  let looking = false

  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    const state = await describeFile(file)
    looking = false
    const settled = state === seen
    seen = state
    if (!settled || state === told) return
    told = state
    onChange()
  }

  const timer = setInterval(() => void look(), everyMs).unref()
  void look()
  return () => clearInterval(timer)
}

/** Everything that changes when a file is written, replaced, or reached through another link. */
async function describeFile(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found === undefined
    ? 'missing'
    : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}
