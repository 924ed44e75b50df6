import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { freePort, startInstallation } from '../support/installation.ts'
import { listen } from '../support/listen.ts'

describe('portcullis dashboard', () => {
  it('leads to its own installation, and nowhere when that does not run', {
    timeout: 60_000,
  }, async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'portcullis-cli-'))
    const flags = ['--data', data, '--port', String(await freePort())]
    const gate = await startPortcullis(test, ['run', '--upstream', 'http://127.0.0.1:9/mcp', ...flags])
    const [admin] = /http:\S+(?=\/healthz)/.exec(gate.output()) ?? assert.fail(gate.output())
    const other = await startInstallation()
    test.after(() => other.close())
    const links = (): number =>
      filePaths(join(data, 'audit'))
        .map((path) => readFileSync(path, 'utf8').split('"action":"dashboard link"').length - 1)
        .reduce((sum, count) => sum + count, 0)
    const before = links()
    // Where the configuration has the port of this one, another one listens.
    const taken = { PORTCULLIS_LISTEN_ADMIN: new URL(other.adminUrl).port }
    for (const args of [flags, flags.slice(0, 2)]) {
      const { code, stdout, stderr } = await portcullis(['dashboard', ...args], taken)
      assert.deepEqual([code, stderr], [0, ''])
      assert.ok(stdout.startsWith(`${admin}/sign-in/`), stdout)
      assert.equal((await (await openDashboard(stdout.trim())).get('/')).status, 200)
    }
    assert.equal(links(), before + 2)

    gate.process.kill('SIGTERM')
    await gate.exit
    const { code, stdout, stderr } = await portcullis(['dashboard', ...flags], taken)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(
      stderr,
      /^portcullis: no server of this installation is running here \(asked: http:\S+, http:\S+\): start it with portcullis demo, run or serve --data /,
    )
    assert.equal(links(), before + 2, 'nothing was made')
  })

  it('believes nobody who says yes to everything', { timeout: 60_000 }, async (test) => {
    const closed = await startInstallation()
    test.after(() => closed.close())
    const server = createServer((_req, res) => void res.end('{"status":"ok"}'))
    const { port } = await listen(server, test)
    const found = await portcullis(['dashboard', '--data', closed.data], {
      PORTCULLIS_LISTEN_ADMIN: `${port}`,
    })
    assert.ok(found.stdout.startsWith(`${closed.adminUrl}/sign-in/`), found.stderr)
  })
})
