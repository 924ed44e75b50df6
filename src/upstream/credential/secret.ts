import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A secret of the configuration, which may change while the process runs. */
export interface Secret {
  readonly current: string
  /** Looks at once whether there is a new one, where there can be. */
  readonly refresh?: () => void
  readonly close?: () => void
}

/** A secret in a file, as it was when it was last looked up. */
interface SecretFile {
  readonly current: string
  /** Reads the file. Whoever asks meanwhile waits for the same reading. */
  readonly lookUp: () => Promise<void>
}

interface SecretFileOptions {
  readonly file: string
  readonly isUsable: (text: string) => boolean
  readonly onChanged: () => void
  /** Told once of each reason why the file cannot be used; what it held before stays in use. */
  readonly onUnusable: (reason: string) => void
}

const watchMilliseconds = 1000

/** A secret that stands in the configuration. */
export function fixedSecret(current: string): Secret {
  return { current }
}

/** A secret in a file, for whoever looks it up before each use. Throws an Error where the file cannot be used at first. */
export function secretFile({ file, isUsable, onChanged, onUnusable }: SecretFileOptions): SecretFile {
  let current = readFileSync(file, 'utf8').trim()
  if (!isUsable(current)) throw new Error(`${file} holds no secret that can be used`)
  let told: string | undefined
  let reading: Promise<void> | undefined

  const read = async (): Promise<string | undefined> => {
    try {
      const text = (await readFile(file, 'utf8')).trim()
      if (!isUsable(text)) return 'it holds no secret that can be used'
      if (text !== current) {
        current = text
        onChanged()
      }
      return undefined
    } catch (error) {
      return `it cannot be read: ${(error as NodeJS.ErrnoException).code}`
    }
  }
  return {
    get current() {
      return current
    },
    lookUp() {
      reading ??= read().then((reason) => {
        reading = undefined
        if (reason !== undefined && reason !== told) onUnusable(reason)
        told = reason
      })
      return reading
    },
  }
}

/**
 * A secret in a file, read again every second, which works for every way in which files are replaced. Throws an Error
 * where the file cannot be used at first.
 */
export function watchedSecret(options: SecretFileOptions): Secret {
  const kept = secretFile(options)
  const refresh = (): void => void kept.lookUp()
  const timer = setInterval(refresh, watchMilliseconds).unref()
  return {
    get current() {
      return kept.current
    },
    refresh,
    close: () => clearInterval(timer),
  }
}
