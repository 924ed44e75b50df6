import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A secret of the configuration, which may change while the process runs. */
export interface Secret {
  readonly current: string
  /** Looks at once whether there is a new one, where there can be. */
  readonly refresh?: () => void
  readonly close?: () => void
}

interface FileSecretOptions {
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

/**
 * A secret in a file, read again every second, which works for every way in which files are replaced. Throws an Error
 * where the file cannot be used at first.
 */
export function fileSecret({ file, isUsable, onChanged, onUnusable }: FileSecretOptions): Secret {
  let current = readFileSync(file, 'utf8').trim()
  if (!isUsable(current)) throw new Error(`${file} holds no secret that can be used`)
  let told: string | undefined
  let reading = false

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
  const refresh = (): void => {
    if (reading) return
    reading = true
    void read().then((reason) => {
      reading = false
      if (reason !== undefined && reason !== told) onUnusable(reason)
      told = reason
    })
  }
  const timer = setInterval(refresh, watchMilliseconds).unref()
  return {
    get current() {
      return current
    },
    refresh,
    close: () => clearInterval(timer),
  }
}
