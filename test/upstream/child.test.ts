import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Json } from '../../src/upstream/conversation/json-rpc.ts'
import { stdioChannel } from '../../src/upstream/stdio/channel.ts'
import { startChild } from '../../src/upstream/stdio/child.ts'
import { isRunning } from '../support/is-running.ts'
import { until } from '../support/until.ts'

/** Runs a program until it is gone, or until it has said enough. */
async function run(
  program: string,
  most = Number.POSITIVE_INFINITY,
): Promise<{ lines: string[]; reason: string; besides: string[] }> {
  const lines: string[] = []
  const besides: string[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  const child = startChild({
    command: [process.execPath, '-e', program],
    environment: {},
    onLine: (line) => {
      lines.push(line)
      if (lines.length === most) void child.stop()
    },
    onStderr: (line) => besides.push(line),
    onExit: resolve,
  })
  return { lines, reason: await promise, besides }
}

describe('what a stdio server writes', { timeout: 60_000 }, () => {
  it('is read line by line, however it comes', async () => {
    const program = `
      const parts = ['a', 'b\\n', '\\n  \\nc\\r\\nd', 'é'.repeat(3), '\\n']
      const next = () => { const part = parts.shift(); if (part) process.stdout.write(part, () => setTimeout(next, 20)) }
      next()`
    assert.deepEqual((await run(program)).lines, ['ab', 'c\r', 'dééé'])
  })

  it('may end without the end of a line: what it says last is mostly why it ends', async () => {
    const program = `
      process.stdout.write('{"id":1}')
      process.stderr.write('a line\\nno API key: é', () => process.exit(2))`
    assert.deepEqual(await run(program), {
      lines: ['{"id":1}'],
      reason: 'ended with code 2',
      besides: ['a line', 'no API key: é'],
    })
  })

  it('may be a long line, and no endless one: then the server is ended (A40)', async () => {
    const long = await run(`process.stdout.write('x'.repeat(15 << 20) + '\\n')`)
    assert.deepEqual(
      long.lines.map(({ length }) => length),
      [15 << 20],
    )
    const endless = await run(`const more = () => process.stdout.write('x'.repeat(1 << 20), more); more()`)
    const reason = 'printed a line of more than 16 MB, and was stopped'
    assert.deepEqual(endless, { lines: [], reason, besides: [] })
  })

  it('may be messages one by one, or several in a batch (O4)', async () => {
    const [one, two] = [1, 2].map((id) => ({ jsonrpc: '2.0', id, result: {} }))
    const three = { jsonrpc: '2.0', id: 3, error: { code: -32603, message: 'no' } }
    const lines = [JSON.stringify(one), JSON.stringify([two, three]), '[4]', '"5"', '[']
    const messages: Json[] = []
    const besides: string[] = []
    await new Promise<void>((resolve) => {
      const open = stdioChannel({
        command: [process.execPath, '-e', `console.log(${JSON.stringify(lines.join('\n'))})`],
        environment: {},
        memoryMegabytes: undefined,
        onStderr: (line) => besides.push(line),
        onExit() {},
      })
      open(
        {
          onMessage: (message) => messages.push(message),
          onFailure() {},
          onUnheard() {},
          onClosed: () => resolve(),
        },
        [],
      )
    })
    assert.deepEqual(messages, [one, two, three])
    assert.deepEqual(besides, ['[4]', '"5"', '['])
  })

  it('is not logged where it is the beginning of a message, which has the data of somebody', async () => {
    for (const [said, logged] of [
      ['{"jsonrpc":"2.0","id":1,"result":{"content":"of Ada', []],
      ['[{"jsonrpc":"2.0","id":1,"result":"of Ada', []],
      ['no API key', ['no API key']],
      ['{"error":"no API key"}\n{"of Ada', ['{"error":"no API key"}']],
    ] as const) {
      const { promise: closed, resolve } = Promise.withResolvers<void>()
      const besides: string[] = []
      stdioChannel({
        command: [process.execPath, '-e', `process.stdout.write(${JSON.stringify(said)})`],
        environment: {},
        memoryMegabytes: undefined,
        onStderr: (line) => besides.push(line),
        onExit: () => resolve(),
      })({ onMessage: () => assert.fail(), onFailure() {}, onUnheard() {}, onClosed() {} }, [])
      await closed
      assert.deepEqual(besides, logged)
    }
  })

  it('is over when it ends, for which it answers only if nobody stopped it (A71)', async () => {
    for (const [program, stop, expected] of [
      ['', false, 'upstream_unreachable'],
      ['process.stdin.resume()', true, 'gateway_interrupted'],
    ] as const) {
      const { promise: closed, resolve } = Promise.withResolvers<string>()
      const channel = stdioChannel({
        command: [process.execPath, '-e', program],
        environment: {},
        memoryMegabytes: undefined,
        onStderr() {},
        onExit() {},
      })({ onMessage() {}, onFailure() {}, onUnheard() {}, onClosed: ({ code }) => resolve(code) }, [])
      if (stop) await channel.close()
      assert.equal(await closed, expected)
    }
  })

  it('may be an endless line beside its messages, of which nothing is kept (A40)', async () => {
    const program = `
      const piece = 'x'.repeat(1 << 20)
      let left = 40
      const more = () =>
        left-- > 0
          ? process.stderr.write(piece, more)
          : process.stderr.write('\\nheard again\\n', () => process.stdout.write('still here\\n'))
      more()`
    const { lines, besides } = await run(program)
    assert.deepEqual(lines, ['still here'])
    assert.deepEqual(besides, ['heard again'])
  })
})

it('a stdio server is told each message in one line, also if to it U+2028 and U+2029 end one', async (test) => {
  const { promise, resolve } = Promise.withResolvers<Json>()
  const program = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(line))`
  const channel = stdioChannel({
    command: [process.execPath, '-e', program],
    environment: {},
    memoryMegabytes: undefined,
    onStderr: (line) => resolve({ line }),
    onExit() {},
  })({ onMessage: resolve, onFailure() {}, onUnheard() {}, onClosed() {} }, [])
  test.after(() => channel.close())
  const message = { jsonrpc: '2.0', id: 1, method: 'a\u2028b\u2029c\u2028' }
  channel.send(message, { headers: [], id: 1 })
  assert.deepEqual(await promise, message)
})

it('a stdio server that reads nothing takes no memory without end: the caller is told (A40)', async (test) => {
  const child = startChild({
    command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
    environment: {},
    onLine() {},
    onStderr() {},
    onExit() {},
  })
  test.after(() => child.stop())
  const megabyte = 'x'.repeat(1 << 20)
  const write = (times: number): void => {
    for (let time = 0; time < times; time++) child.write(megabyte)
  }
  write(16)
  assert.throws(() => write(4), { code: 'upstream_timeout' })
})

describe('a stdio server that is gone', { timeout: 60_000 }, () => {
  const daemon = `spawn(process.execPath, ['-e', 'setTimeout(() => {}, 120_000)'], { stdio: 'inherit', detached: true })`
  const leaves = (then: string): string =>
    `const { spawn } = require('node:child_process'); console.log(${daemon}.pid); ${then}`

  it('counts as such though a daemon of its holds its pipes, be it that it ended or was stopped', async (test) => {
    for (const [then, most, reason] of [
      ['process.exit(3)', undefined, 'ended with code 3'],
      ['process.stdin.resume()', 1, 'ended with SIGTERM'],
    ] as const) {
      const left = await run(leaves(then), most)
      test.after(() => process.kill(Number(left.lines[0])))
      assert.equal(left.reason, reason)
    }
  })
})

describe('a stdio server that is stopped', { timeout: 60_000 }, () => {
  it('can tidy up at the end of its input, before a signal ends it', async () => {
    const tidies = `process.stdin.on('end', () => console.log('tidied')).resume(); console.log('up')`
    assert.deepEqual(await run(tidies, 1), {
      lines: ['up', 'tidied'],
      reason: 'ended with code 0',
      besides: [],
    })
  })

  it('is told once more by a signal, and then ended', async () => {
    const goesOn = `setInterval(() => {}, 1000); console.log('up')`
    assert.equal((await run(goesOn, 1)).reason, 'ended with SIGTERM')
    const deaf = `process.on('SIGTERM', () => console.log('asked')); ${goesOn}`
    assert.deepEqual(await run(deaf, 1), {
      lines: ['up', 'asked'],
      reason: 'ended with SIGKILL',
      besides: [],
    })
  })

  it('and ends by itself leaves what it started the time to tidy up, which is told so by a signal', async () => {
    const tidied = join(mkdtempSync(join(tmpdir(), 'portcullis-tidied-')), 'tidied')
    const helper = `
      process.on('SIGTERM', () => setTimeout(() => { require('node:fs').writeFileSync('${tidied}', ''); process.exit() }, 100))
      process.send('up', () => process.disconnect())
      setInterval(() => {}, 1000)`
    const program = `
      require('node:child_process')
        .spawn(process.execPath, ['-e', ${JSON.stringify(helper)}], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
        .once('message', () => console.log('up'))
        .unref()
      process.stdin.on('end', () => process.exit()).resume()`
    const { promise: up, resolve } = Promise.withResolvers<string>()
    const child = startChild({
      command: [process.execPath, '-e', program],
      environment: {},
      onLine: resolve,
      onStderr() {},
      onExit() {},
    })
    await up
    await child.stop()
    assert.ok(existsSync(tidied))
  })

  it('does not outlive a gateway that ends at once, though it goes on at the end of its input', async () => {
    const server = `setInterval(() => {}, 1000); console.log(process.pid)`
    const program = `
      import { startChild } from ${JSON.stringify(new URL('../../src/upstream/stdio/child.ts', import.meta.url).href)}
      const ignore = () => {}
      const onLine = (line) => { void child.stop(); console.log(line); process.exit() }
      const child = startChild({ command: [process.execPath, '-e', ${JSON.stringify(server)}], environment: {}, onLine, onStderr: ignore, onExit: ignore })`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
    await until(() => !isRunning(Number(stdout)))
  })
})

describe('a stdio server that the system does not start (A71)', { timeout: 60_000 }, () => {
  it('is told of like one whose command is wrong, after the start', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const child = startChild({
      command: [process.execPath],
      environment: { LONGER_THAN_LINUX_ALLOWS: 'x'.repeat(200_000) },
      onLine() {},
      onStderr() {},
      onExit: resolve,
    })
    child.write('lost')
    await child.stop()
    assert.equal(await promise, 'could not be started: spawn E2BIG')
  })

  it('is told of once, as is one whose command is wrong', async () => {
    const reasons: string[] = []
    const onExit = (reason: string): void => void reasons.push(reason)
    const ignore = (): void => undefined
    startChild({ command: ['/no/such'], environment: {}, onLine: ignore, onStderr: ignore, onExit })
    await run('') // by then, all that Node has to say of the other one has been said
    assert.deepEqual(reasons, ['could not be started: spawn /no/such ENOENT'])
  })

  it('for want of file descriptors is no fault of the gateway, and the reason says what to raise', async () => {
    const program = `
      import { openSync } from 'node:fs'
      import { startChild } from ${JSON.stringify(new URL('../../src/upstream/stdio/child.ts', import.meta.url).href)}
      const ignore = () => {}
      for (let open = true; open;) try { openSync('/dev/null') } catch { open = false }
      startChild({ command: ['true'], environment: {}, onLine: ignore, onStderr: ignore, onExit: console.log })`
    const limited = 'ulimit -n 100; exec "$0" --input-type=module -e "$1"'
    const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, program])
    assert.match(stdout, /^could not be started: no file descriptors are left \(raise the limit: ulimit -n/)
  })
})
