import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigurationInvalid, type Problem } from '../../src/config/problems.ts'

type Sources = Parameters<typeof loadConfig>[0]

/** The problems of a configuration; none if it can be loaded. */
export function problemsOf(sources: Sources): readonly Problem[] {
  try {
    loadConfig(sources)
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems
    throw error
  }
  return []
}

/** The same, each as `path: message`. */
export const problemTexts = (sources: Sources): string[] =>
  problemsOf(sources).map(({ path, message }) => `${path}: ${message}`)

/** The path of a new configuration file with this text. */
export function configFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'portcullis-config-')), 'portcullis.yaml')
  writeFileSync(path, text)
  return path
}
