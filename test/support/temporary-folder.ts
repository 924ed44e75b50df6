import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Gives each test file a separate temporary folder, which is removed with its process, together with whatever
 * its tests and the processes that they start leave behind. Loaded by the test scripts with `--import`, which
 * the runner passes on to test files.
 */
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  const shared = tmpdir()
  const folder = mkdtempSync(join(shared, 'portcullis-tests-'))
  // PostgreSQL and nginx, which run as other users, have their own folders in it.
  chmodSync(folder, 0o711)
  process.env['SHARED_TMPDIR'] ??= shared
  process.env['TMPDIR'] = folder
  // A server that was told to end may keep writing for a moment.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
}
