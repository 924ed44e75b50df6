import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'

const module = JSON.stringify(join(import.meta.dirname, '../../src/telemetry/log.ts'))
const event = { kind: 'mcp', outcome: 'allowed', path: '/mcp', status: 200, durationMs: 1 }

/** A process that has a log on standard output. */
function withLog(body: string, stderr: 'inherit' | 'pipe' = 'inherit'): ReturnType<typeof spawn> {
  const source = `
    import { createLog } from ${module}
    const log = createLog({ level: 'info', format: 'json' })
    const tell = (requestId) => log.request({ ...${JSON.stringify(event)}, requestId })
    ${body}`
  return spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', stderr],
  })
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
      'pipe',
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
})
