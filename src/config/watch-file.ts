import { type FSWatcher, watch } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

interface WatchOptions {
  readonly file: string
  /** Told when the file holds something else and has been left alone for a moment, and once at the beginning. */
  readonly onChange: () => void
  /** Told where the system does not say when files change. */
  readonly onBlind: (reason: string) => void
}

/** Editors and copies write in several steps. */
const settleMilliseconds = 300

/**
 * Watches a file through its folder, and through the one that it lies in where it is a link: so a file that is renamed
 * into place is noticed, and the links of a Kubernetes ConfigMap that are turned. Returns what ends it.
 */
export function watchFile({ file, onChange, onBlind }: WatchOptions): () => void {
  const watchers = new Map<string, FSWatcher>()
  let names = new Set<string>()
  let settling: NodeJS.Timeout | undefined
  let seen: string | undefined
  let closed = false

  const read = (): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)

  const look = async (): Promise<void> => {
    await follow()
    const text = await read()
    if (closed || text === seen) return
    seen = text
    onChange()
  }
  /** Other files of the folder may be written all the time; any of them may be a link on the way to the file. */
  const concerns = (event: string, name: string | null): boolean =>
    event === 'rename' || name === null || names.has(name)
  const stir = (event: string, name: string | null): void => {
    if (!concerns(event, name)) return
    clearTimeout(settling)
    settling = setTimeout(() => void look(), settleMilliseconds).unref()
  }
  const leave = (folder: string): void => {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }
  /** Watches the folders where the file lies now. */
  const follow = async (): Promise<void> => {
    const target = await realpath(file).catch(() => file)
    if (closed) return
    names = new Set([basename(file), basename(target)])
    const folders = new Set([dirname(file), dirname(target)])
    for (const folder of watchers.keys()) if (!folders.has(folder)) leave(folder)
    for (const folder of folders) if (!watchers.has(folder)) open(folder)
  }
  const open = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, stir)
      watcher.on('error', (error) => {
        leave(folder)
        onBlind(error.message)
      })
      watchers.set(folder, watcher)
    } catch (error) {
      onBlind((error as Error).message)
    }
  }

  // It may have changed since it was read.
  void look()
  return () => {
    closed = true
    clearTimeout(settling)
    for (const folder of watchers.keys()) leave(folder)
  }
}
