import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A user of a Glewlwyd. */
interface GlewlwydUser {
  readonly issuer: string
  readonly user: string
}

/**
 * Creates a program for the BROWSER variable: a browser that logs in, here or at Glewlwyd, and approves
 * without a person.
 */
export function fakeBrowserCommand(at: GlewlwydUser = { issuer: '', user: '' }): string {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-browser-')), 'browser')
  const script = join(import.meta.dirname, 'fake-browser.ts')
  const variables = `GLEWLWYD_ISSUER='${at.issuer}' GLEWLWYD_USER='${at.user}'`
  writeFileSync(file, `#!/bin/sh\n${variables} exec '${process.execPath}' '${script}' "$@"\n`)
  chmodSync(file, 0o755)
  return file
}
