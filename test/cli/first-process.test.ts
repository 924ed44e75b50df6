import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findProgram } from '../support/find-program.ts'
import { listen } from '../support/listen.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

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
    const unshare = await findProgram('unshare', 'util-linux')
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user']
    const args = [...user, '--pid', '--fork', process.execPath, program, 'serve', '-c', file]
    const container = spawn(unshare, args, { stdio: 'ignore' })
    const exit = new Promise<number | null>((resolve) => container.once('exit', resolve))
    const asked = new Promise<string>((resolve) => silent.once('connection', () => resolve('asked')))
    assert.equal(await Promise.race([asked, exit]), 'asked')
    const children = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8')
    const first = Number(children)
    test.after(() => {
      if (container.exitCode === null) process.kill(first, 'SIGKILL')
    })
    process.kill(first, 'SIGTERM')
    assert.equal(await exit, 128 + 15)
  })
})
