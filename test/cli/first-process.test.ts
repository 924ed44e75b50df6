import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { findProgram } from '../support/find-program.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { until } from '../support/until.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

interface Contained {
  readonly exit: Promise<number | null>
  readonly output: () => string
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Starts `portcullis` as the first process of a container; it ends with the test at the latest. */
async function contain(test: TestContext, command: readonly string[]): Promise<Contained> {
  const unshare = await findProgram('unshare', 'util-linux')
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const args = [...user, '--pid', '--fork', process.execPath, program, ...command]
  const container = spawn(unshare, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  container.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const kill = (signal: NodeJS.Signals): void => {
    const first = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8')
    process.kill(Number.parseInt(first, 10), signal)
  }
  test.after(() => container.exitCode === null && kill('SIGKILL'))
  const exit = new Promise<number | null>((resolve) => container.once('exit', resolve))
  return { exit, output: () => output, kill }
}

describe('portcullis as the first process of a container', () => {
  it('ends on SIGTERM before it serves, too', { timeout: 60_000 }, async (test) => {
    const silent = createServer(() => undefined)
    const { port } = await listen(silent, test)
    const data = mkdtempSync(join(tmpdir(), 'portcullis-first-'))
    const file = join(data, 'portcullis.yaml')
    const config = {
      data,
      secret: 'x'.repeat(64),
      // It waits there for an answer.
      store: { url: `postgres://somebody:secret@127.0.0.1:${port}/x` },
      upstreams: [{ name: 'a', url: 'http://127.0.0.1:9/mcp' }],
    }
    writeFileSync(file, JSON.stringify(config))
    const { exit, kill } = await contain(test, ['serve', '-c', file])
    const asked = new Promise<string>((resolve) => silent.once('connection', () => resolve('asked')))
    assert.equal(await Promise.race([asked, exit]), 'asked')
    kill('SIGTERM')
    assert.equal(await exit, 128 + 15)
  })

  it('ends in order on SIGTERM once it serves, with its workers too', { timeout: 60_000 }, async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'portcullis-first-'))
    const file = join(data, 'portcullis.yaml')
    const upstreams = [{ name: 'a', url: 'http://127.0.0.1:9/mcp' }]
    const ports = { gateway: await freePort(), admin: 0, authorizationServer: 0 }
    writeFileSync(file, JSON.stringify({ data, listen: ports, upstreams, mode: 'development' }))
    const { exit, kill, output } = await contain(test, ['serve', '-c', file, '--workers', '2'])
    await until(() => output().includes('"msg":"ready"'))
    kill('SIGTERM')
    assert.equal(await exit, 0)
  })
})
