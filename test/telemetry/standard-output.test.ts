import assert from 'node:assert/strict'
import { type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs, { closeSync, openSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { standardOutput } from '../../src/telemetry/standard-output.ts'

const module = JSON.stringify(join(import.meta.dirname, '../../src/telemetry/log.ts'))
const event = { kind: 'mcp', outcome: 'allowed', path: '/mcp', status: 200, durationMs: 1 }

/** A process that has a log on standard output. */
function withLog(
  body: string,
  stdio: StdioOptions = ['ignore', 'pipe', 'inherit'],
): ReturnType<typeof spawn> {
  const source = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    import { createLog } from ${module}
    const log = createLog({ level: 'info', format: 'json' })
    const tell = (requestId) => log.request({ ...${JSON.stringify(event)}, requestId })
    ${body}`
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio })
}

/** The code with which it ends within some seconds; undefined if it has to be killed. */
async function exitCode(child: ReturnType<typeof spawn>): Promise<number | undefined> {
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(timer)
  return code ?? undefined
}

async function idsOf(child: ReturnType<typeof spawn>): Promise<string[]> {
  const lines = (await text(child.stdout as NodeJS.ReadableStream)).split('\n').slice(0, -1)
  return lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId)
}

describe('the log on standard output', () => {
  it('has every line when the process ends at once, in order', async () => {
    const child = withLog('for (let id = 0; id < 500; id++) tell(String(id)); process.exit(0)')
    assert.deepEqual(
      await idsOf(child),
      Array.from({ length: 500 }, (_, id) => String(id)),
    )
  })

  it('has a single line soon, while the process goes on', async () => {
    const child = withLog("tell('one'); setInterval(() => {}, 1000)")
    const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    assert.match(chunk.toString(), /"requestId":"one"/)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  it('stops nobody, and takes no memory without end, when its reader does not read', async () => {
    const child = withLog(
      `
      const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
      for (let turn = 0; turn < 40; turn++) {
        for (let line = 0; line < 200; line++) tell('x'.repeat(5000))
        await pause()
      }
      process.stderr.write(String(process.memoryUsage.rss()))
      process.kill(process.pid, 'SIGKILL')`,
      ['ignore', 'pipe', 'pipe'],
    )
    const [told] = (await once(child.stderr as NodeJS.ReadableStream, 'data')) as [Buffer]
    assert.ok(Number(told.toString()) < 250 * 1024 * 1024, told.toString())
    await once(child, 'exit')
  })

  it('ends nobody when its reader has gone', async () => {
    const child = withLog(
      "setInterval(() => tell('x'.repeat(5000)), 5); setTimeout(() => process.exit(7), 1500)",
    )
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.stdout?.destroy()
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, 7)
  })

  it('ends, with its process, when its reader has gone and nothing was written since', async () => {
    const child = withLog(
      "process.stderr.write('up'); process.stdin.once('end', () => { tell('late'); process.exit(7) }).resume()",
      ['pipe', 'pipe', 'pipe'],
    )
    await once(child.stderr as NodeJS.ReadableStream, 'data')
    child.stdout?.destroy()
    await once(child.stdout as NodeJS.ReadableStream, 'close')
    child.stdin?.end()
    assert.equal(await exitCode(child), 7)
  })

  it('ends nobody, and lets everybody end, while the disk is full', {
    skip: process.platform !== 'linux',
  }, async (test) => {
    const full = openSync('/dev/full', 'w')
    test.after(() => closeSync(full))
    const child = withLog("setInterval(() => tell('one'), 50); setTimeout(() => process.exit(7), 500)", [
      'ignore',
      full,
      'inherit',
    ])
    assert.equal(await exitCode(child), 7)
  })

  it('tries a pipe that is full again sooner than a disk, since its reader would wait for lines', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const outcomes = ['EAGAIN', 'EAGAIN', 'ENOSPC', undefined]
    const write = (_: number, bytes: Buffer, done: (error: unknown, count?: number) => void): void => {
      // A line that comes meanwhile changes nothing.
      output.write('meanwhile\n')
      const code = outcomes.shift()
      if (code === undefined) done(null, bytes.length)
      else done(Object.assign(new Error(code), { code }))
    }
    test.mock.method(fs, 'write', write as unknown as typeof fs.write)
    syncBuiltinESMExports()
    test.after(() => {
      test.mock.restoreAll()
      syncBuiltinESMExports()
    })
    const output = standardOutput(() => assert.fail())
    for (const line of ['short\n', 'x'.repeat(5000)]) output.write(line)
    assert.equal(outcomes.length, 3)
    for (const [milliseconds, left] of [
      [9, 3],
      [1, 2],
      [10, 1],
      [99, 1],
      [1, 0],
    ] as const) {
      test.mock.timers.tick(milliseconds)
      assert.equal(outcomes.length, left, `after ${milliseconds} ms`)
    }
  })

  for (const format of ['json', 'text'] as const) {
    /** A process that logs so many lines while the disk is full, and 'late' once it has room and is told to. */
    const onFullDisk = (count: number, line: string): ReturnType<typeof spawn> =>
      withLog(
        `
        const { logger } = createLog({ level: 'info', format: '${format}' })
        let isFull = true
        const { write } = fs
        const noRoom = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        fs.write = (...all) => (isFull ? setImmediate(all.at(-1), noRoom) : write(...all))
        syncBuiltinESMExports()
        for (let id = 0; id < ${count}; id++) logger.info(id + ${line})
        setTimeout(() => (isFull = false), 300)
        process.stdin.once('data', () => logger.info('late'))`,
        ['pipe', 'pipe', 'inherit'],
      )
    /** What each line begins with, up to the last one; another line is answered with a wish for that. */
    const readAll = async (child: ReturnType<typeof spawn>, answered: RegExp): Promise<string[]> => {
      let said = ''
      for await (const chunk of child.stdout as NodeJS.ReadableStream) {
        said += String(chunk)
        const end = said.slice(-1000)
        if (answered.test(end)) child.stdin?.write('x')
        if (/late"?\}?\n$/.test(end)) child.kill('SIGKILL')
      }
      const lines = said.split('\n').slice(0, -1)
      return lines.map((line) => /(?:"msg":"|(?:INFO|WARN): )(\w+)/.exec(line)?.[1] ?? line)
    }
    const numbers = (count: number): string[] => Array.from({ length: count }, (_, id) => String(id))

    it(`has every line once there is room again: ${format}`, { timeout: 60_000 }, async () => {
      const told = await readAll(onFullDisk(50, "''"), /49/)
      assert.deepEqual(told, [...numbers(50), 'late'])
    })

    it(`says how many lines found no room to wait: ${format}`, { timeout: 60_000 }, async () => {
      const told = await readAll(onFullDisk(5000, "' ' + 'x'.repeat(5000)"), / lines of the log are lost/)
      const lost = Number(told.at(-2))
      assert.ok(lost > 1000, String(lost))
      assert.deepEqual(told, [...numbers(5000 - lost), String(lost), 'late'])
    })
  }
})
