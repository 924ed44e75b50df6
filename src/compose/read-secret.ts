import { readFileSync } from 'node:fs'

/** A secret of the configuration, out of its own file where it has one. `portcullis check` has looked at the file. */
export function readSecret(value: string | undefined, file: string | undefined): string | undefined {
  return file === undefined ? value : readFileSync(file, 'utf8').trim()
}
