import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { startChild } from '../../src/upstream/stdio/child.ts'
import { serverEnvironment } from '../../src/upstream/stdio/environment.ts'
import { pretendPlatform } from '../support/pretend-platform.ts'
import { setVariable } from '../support/set-variable.ts'

/**
 * Starts a server. `up` resolves to its first line, and `gone` to why it ended. `told` is what was said to
 * `taskkill`, in whose place is a program of the test.
 */
async function start(test: TestContext, program: string) {
  pretendPlatform(test, 'win32')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-windows-'))
  const log = join(folder, 'log')
  writeFileSync(log, '')
  writeFileSync(join(folder, 'taskkill'), `#!/bin/sh\necho "$@" >> '${log}'; kill -9 "$2"\n`)
  chmodSync(join(folder, 'taskkill'), 0o755)
  setVariable(test, 'PATH', `${folder}:${process.env['PATH']}`)
  const { promise: up, resolve: isUp } = Promise.withResolvers<string>()
  const { promise: gone, resolve: isGone } = Promise.withResolvers<string>()
  const child = startChild({
    command: [process.execPath, '-e', program],
    environment: {},
    onLine: isUp,
    onStderr() {},
    onExit: isGone,
  })
  test.after(() => child.stop())
  return { child, up, gone, told: () => readFileSync(log, 'utf8') }
}

describe('a stdio server on Windows', { timeout: 60_000 }, () => {
  it('gets what it needs of an environment that lists names in other spellings than it finds them by', () => {
    const listed = { Path: 'C:\\bin', SystemRoot: 'C:\\Windows', Api_Key: 'of the server', Other: 'no' }
    const environment: Record<string, string> = new Proxy(listed, {
      get: (target, name) =>
        Object.entries(target).find(([known]) => known.toUpperCase() === String(name).toUpperCase())?.[1],
    })
    const seen = { PATH: 'C:\\bin', SYSTEMROOT: 'C:\\Windows', API_KEY: 'of the server' }
    assert.deepEqual(serverEnvironment(['API_KEY'], environment), seen)
  })

  it('gets nothing that is for Portcullis, which reads its variables there in any spelling', () => {
    const environment = { Portcullis_Secret: 'x', PORTCULLIS_STORE_URL: 'x', Other: 'yes' }
    assert.deepEqual(serverEnvironment(['*'], environment), { Other: 'yes' })
  })

  it('is asked to end by the end of its input, and nobody is ended after that, whose id it may have had', async (test) => {
    const { child, up, gone, told } = await start(test, `process.stdin.resume(); console.log('up')`)
    await up
    await child.stop()
    assert.equal(await gone, 'ended with code 0')
    assert.equal(told(), '')
  })

  it('that goes on is ended with everything that it started', async (test) => {
    const { child, up, gone, told } = await start(test, `setInterval(() => {}, 1000); console.log('up')`)
    await up
    await child.stop()
    assert.equal(await gone, 'ended with SIGKILL')
    assert.equal(told(), `/pid ${child.pid} /t /f\n`)
  })

  it('gets no console of its own, which would have a window', async (test) => {
    const program = `console.log(require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(' ')[4])`
    const { up } = await start(test, program)
    const own = readFileSync('/proc/self/stat', 'utf8').split(' ')[4]
    assert.equal(await up, own, 'it is in our process group, where it would have its own on other systems')
  })

  it('that is a script is not started, which is said with what to do', async (test) => {
    pretendPlatform(test, 'win32')
    const { promise, resolve } = Promise.withResolvers<string>()
    const ignore = (): void => undefined
    startChild({ command: ['/no/npx'], environment: {}, onLine: ignore, onStderr: ignore, onExit: resolve })
    assert.match(
      await promise,
      /^could not be started: spawn \/no\/npx ENOENT \(on Windows, .* "cmd \/c" before it/,
    )
  })
})
