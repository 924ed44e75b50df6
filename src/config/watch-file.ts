import { stat } from 'node:fs/promises'

interface WatchOptions {
  readonly file: string
  /** Told when the file has changed and has been left alone for a moment, and once at the beginning. */
  readonly onChange: () => void
  /** Milliseconds between two looks. */
  readonly everyMs?: number
}

/**
 * Watches a file: looks at it again and again, since that also finds a file that was renamed into place, links on the way
 * to it that were turned, and what others wrote over the network. Editors and copies write in several steps: a change
 * counts when two looks have found the same. Returns what ends it.
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

/** Whatever changes when a file is written, replaced, or reached through another link. */
async function describeFile(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found === undefined
    ? 'missing'
    : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}
