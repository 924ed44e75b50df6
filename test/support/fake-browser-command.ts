import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a program for the BROWSER variable: a browser that logs in and approves without a person. */
export function fakeBrowserCommand(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-browser-')), 'browser')
  const script = join(import.meta.dirname, 'fake-browser.ts')
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`)
  chmodSync(file, 0o755)
  return file
}
