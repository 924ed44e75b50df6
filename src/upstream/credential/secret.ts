import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A secret of the configuration, which may change while the process runs. */
export interface Secret {
  readonly current: string
  /** Checks at once for a new value, if there can be one. */
  readonly refresh?: () => void
  readonly close?: () => void
}

/** A secret in a file, as of the last lookup. */
interface SecretFile {
  readonly current: string
  /** Reads the file. Concurrent callers share one read. */
  readonly lookUp: () => Promise<void>
}

interface SecretFileOptions {
  readonly file: string
  readonly isUsable: (text: string) => boolean
  readonly onChanged: () => void
  /** Called once for each reason why the file cannot be used; the previous value stays in use. */
  readonly onUnusable: (reason: string) => void
}

const watchMilliseconds = 1000

/** A secret given in the configuration itself. */
export function fixedSecret(current: string): Secret {
  return { current }
}

/**
 * A secret in a file, to be looked up before each use. Throws an Error if the file cannot be used at first.
 */
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
 * A secret in a file, read again every second, which works for every way of replacing a file. Throws an Error
 * if the file cannot be used at first.
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
