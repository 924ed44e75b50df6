import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { residentMegabytes } from '../../src/upstream/stdio/memory.ts'

const large = `const memory = Buffer.alloc(${200 * 1024 * 1024}, 1); console.log(memory.length); setInterval(() => {}, 1000)`
/** Starts it from another thread than the first, as launchers that are written in Rust or Go do. */
const launcher = `
  new (require('node:worker_threads').Worker)(
    ${JSON.stringify(`require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(large)}], { stdio: 'inherit' })`)},
    { eval: true },
  )`

describe('the memory of a process', { skip: process.platform !== 'linux' }, () => {
  it('includes that of what any of its threads started (A36)', async (test) => {
    const child = spawn(process.execPath, ['-e', launcher], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    test.after(() => process.kill(-(child.pid as number), 'SIGKILL'))
    await once(child.stdout, 'data')
    const used = (await residentMegabytes(child.pid as number)) ?? 0
    assert.ok(used > 200, `${used} MB`)
  })

  it('is unknown of a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'close')
    assert.equal(await residentMegabytes(child.pid as number), undefined)
  })
})
