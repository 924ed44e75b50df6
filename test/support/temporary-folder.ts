import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Gives each test file a temporary folder of its own, which goes with its process: whatever its tests and the processes
 * that they start leave behind. Loaded by the test scripts with `--import`, which the runner hands on to test files.
 */
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  const shared = tmpdir()
  const folder = mkdtempSync(join(shared, 'portcullis-tests-'))
  // PostgreSQL and nginx, which run as users of their own, have folders of their own in it.
  chmodSync(folder, 0o711)
  process.env['SHARED_TMPDIR'] ??= shared
  process.env['TMPDIR'] = folder
  // A server that was told to end may write a little longer.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
}
