import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Base } from '../../src/compose/base.ts'
import { openLasting } from '../../src/compose/lasting.ts'
import { systemClock } from '../../src/core/clock.ts'
import { siteOf } from '../../src/core/site.ts'
import { childrenOf } from '../support/children-of.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { isRunning } from '../support/is-running.ts'
import { listen as listenAt } from '../support/listen.ts'
import { onWindows } from '../support/pretend-platform.ts'
import { until } from '../support/until.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

async function temporary(test: TestContext, prefix = 'portcullis-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The base of a worker whose sockets are in a folder. */
function worker(folder: string): { base: Base; listens: () => number } {
  let listens = 0
  const revocations = {
    since: async () => [],
    subscribe() {
      listens++
      return () => listens--
    },
  }
  const base = {
    clock: systemClock,
    site: siteOf('https://a.example'),
    place: { index: 0, count: 2, folder },
    onFault: assert.fail,
    store: { revocations },
  }
  return { base: base as unknown as Base, listens: () => listens }
}

describe('a folder in which workers cannot have sockets', { timeout: 120_000 }, () => {
  for (const [what, folderOf] of [
    ['is not there', async () => '/nonexistent'],
    ['has a path that is too long for a socket', (test: TestContext) => temporary(test, 'x'.repeat(90))],
  ] as const)
    it(`ends the start with what to do where it ${what}`, async (test) => {
      const data = await temporary(test)
      const file = join(data, 'portcullis.yaml')
      const listen = { gateway: await freePort(), admin: 0, authorizationServer: 0 }
      const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
      await writeFile(file, JSON.stringify({ data, listen, upstreams }))
      const TMPDIR = await folderOf(test)
      const { code, stderr } = await portcullis(['serve', '-c', file, '--workers', '2'], { TMPDIR })
      assert.equal(code, 2)
      assert.match(
        stderr,
        /^portcullis: workers have no folder for their sockets \(.*\): set TMPDIR to one that/m,
      )
      assert.doesNotMatch(stderr, /^ {4}at /m)
    })

  it('is any on Windows, where the start ends with what to do', async (test) => {
    const data = await temporary(test)
    const file = join(data, 'portcullis.yaml')
    const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
    await writeFile(file, JSON.stringify({ data: join(data, 'store'), upstreams }))
    const { code, stderr } = await portcullis(['serve', '-c', file, '--workers', '2'], onWindows)
    const line =
      'portcullis: on Windows there can only be one worker: leave out --workers (workers: 1), or run'
    assert.deepEqual([code, stderr], [2, `${line} Portcullis in WSL or in a container\n`])
    assert.deepEqual(await readdir(data), ['portcullis.yaml'])
  })

  it('goes with a start that a signal ends', async (test) => {
    const silent = createServer()
    const { port } = await listenAt(silent, test)
    const [data, TMPDIR] = [await temporary(test), await temporary(test)]
    const file = join(data, 'portcullis.yaml')
    const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
    // It waits there for an answer.
    const store = { url: `postgres://somebody:secret@127.0.0.1:${port}/x` }
    await writeFile(file, JSON.stringify({ data, upstreams, store, secret: 'x'.repeat(64) }))
    const args = [program, 'serve', '-c', file, '--workers', '2']
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR }, stdio: 'ignore' })
      test.after(() => child.kill('SIGKILL'))
      const ended = once(child, 'exit')
      await Promise.race([once(silent, 'connection'), ended])
      assert.deepEqual(
        (await readdir(TMPDIR)).map((name) => name.slice(0, 11)),
        ['portcullis-'],
      )
      child.kill(signal)
      assert.deepEqual(await ended, [null, signal], 'it ends as without a listener')
      assert.deepEqual(await readdir(TMPDIR), [])
    }
  })

  it('goes with the workers that were starting, of which none is left to use it', async (test) => {
    const [data, TMPDIR] = [await temporary(test), await temporary(test)]
    const file = join(data, 'portcullis.yaml')
    // Each of them waits there for an answer.
    let asked = 0
    const silent = await listenAt(
      createServer(() => asked++),
      test,
    )
    const listen = { gateway: 0, admin: 0, authorizationServer: 0 }
    const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
    const issuers = [{ issuer: silent.url, audiences: ['api'] }]
    const publicUrl = 'http://127.0.0.1:9'
    await writeFile(
      file,
      JSON.stringify({ data, listen, publicUrl, upstreams, issuers, mode: 'development' }),
    )
    const args = [program, 'serve', '-c', file, '--workers', '2']
    const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR }, stdio: 'ignore' })
    test.after(() => child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    await until(() => asked >= 2, 'both are starting')
    const workers = await childrenOf(child.pid)
    assert.equal(workers.length, 2)
    // None of them notices that the primary has ended.
    for (const pid of workers) process.kill(pid, 'SIGSTOP')
    test.after(() => workers.filter(isRunning).forEach((pid) => process.kill(pid, 'SIGKILL')))
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [null, 'SIGTERM'])
    await until(() => !workers.some(isRunning))
    assert.deepEqual(await readdir(TMPDIR), [])
  })

  it('goes with an installation that ends, be it in order or at the second signal', async (test) => {
    for (const code of [0, 130]) {
      const [data, TMPDIR] = [await temporary(test), await temporary(test)]
      const file = join(data, 'portcullis.yaml')
      const gateway = await freePort()
      const listen = { gateway, admin: 0, authorizationServer: 0 }
      const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
      await writeFile(file, JSON.stringify({ data, listen, upstreams, mode: 'development' }))
      const args = ['serve', '-c', file, '--workers', '2']
      const started = await startPortcullis(test, args, { TMPDIR }, '"msg":"ready"')
      const workers = await childrenOf(started.process.pid)
      assert.deepEqual([workers.length, (await readdir(TMPDIR)).length], [2, 1])
      if (code === 130) {
        const unfinished = connect(gateway, '127.0.0.1').on('error', () => undefined)
        test.after(() => unfinished.destroy())
        unfinished.write(`GET /none HTTP/1.1\r\nhost: 127.0.0.1:${gateway}\r\n\r\n`)
        await once(unfinished, 'data')
        unfinished.write('GET /none HTTP/1.1\r\n')
      }
      started.process.kill('SIGTERM')
      await until(() => started.output().includes('finishing running requests'))
      if (code === 130) started.process.kill('SIGTERM')
      assert.equal(await started.exit, code)
      await until(() => !workers.some(isRunning))
      assert.deepEqual(await readdir(TMPDIR), [])
    }
  })

  it('leaves nothing running of the tenant that it should have served', async () => {
    const { base, listens } = worker(join('/dev/null', 'x'))
    await assert.rejects(openLasting(base, undefined), { name: 'WorkerFolderUnusable' })
    assert.equal(listens(), 0)
  })
})

describe('what successive gateways of a worker share', () => {
  it('is closed with it: nobody hears of revocations, and its socket answers nobody', async (test) => {
    const folder = await temporary(test)
    const { base, listens } = worker(folder)
    const lasting = await openLasting(base, () => 'http://127.0.0.1:9')
    assert.equal(listens(), 1)
    const reach = (): Promise<unknown> => once(connect(join(folder, '0')), 'connect')
    await reach()
    await lasting.close()
    assert.equal(listens(), 0)
    await assert.rejects(reach())
  })
})
