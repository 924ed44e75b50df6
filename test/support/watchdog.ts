/**
 * Ends a test file that is not finished after ten minutes, and reports what is delaying it: the runner itself
 * waits for a process for ever. Loaded by the test script with `--import`; the runner's own process is left
 * alone.
 */
const minutes = 10
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`${process.argv[1]} is not over after ${minutes} minutes; held by ${held}\n`)
    process.exit(1)
  }, minutes * 60_000).unref()
}
