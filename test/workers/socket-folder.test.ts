import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Base } from '../../src/compose/base.ts'
import { openLasting } from '../../src/compose/lasting.ts'
import { systemClock } from '../../src/core/clock.ts'
import { siteOf } from '../../src/core/site.ts'
import { portcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'

async function temporary(test: TestContext, prefix = 'portcullis-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('a folder in which workers cannot have sockets', { timeout: 60_000 }, () => {
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

  it('leaves nothing running of the tenant that it should have served', async () => {
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
      place: { index: 0, count: 2, folder: join('/dev/null', 'x') },
      onFault: assert.fail,
      store: { revocations },
    }
    await assert.rejects(openLasting(base as unknown as Base, undefined), { name: 'WorkerFolderUnusable' })
    assert.equal(listens, 0)
  })
})
