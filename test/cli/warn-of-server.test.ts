import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { warnOfServer } from '../../src/cli/warn-of-server.ts'
import { loadConfig } from '../../src/config/load.ts'
import { freePort } from '../support/installation.ts'
import { pretendPlatform } from '../support/pretend-platform.ts'
import { setVariable } from '../support/set-variable.ts'

/** What is said of a server. */
async function warnings(test: TestContext, server: { url: string } | { command: string[] }): Promise<string> {
  const said = test.mock.method(console, 'error', () => undefined)
  const { upstreams } = loadConfig({ base: { upstreams: [{ name: 'a', ...server }] } })
  for (const upstream of upstreams) await warnOfServer(upstream)
  return said.mock.calls.map(({ arguments: words }) => words.join(' ')).join('\n')
}

describe('a warning of a server that is not there', () => {
  it('is given where nothing listens, and not where something does, also at an IPv6 address', async (test) => {
    const port = await freePort()
    assert.match(
      await warnings(test, { url: `http://127.0.0.1:${port}/mcp` }),
      /^portcullis: nothing listens at/,
    )
    for (const host of ['127.0.0.1', '::1']) {
      const server = createServer()
      test.after(() => server.close())
      await once(server.listen(0, host), 'listening')
      const authority = `${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
      assert.equal(await warnings(test, { url: `http://${authority}/mcp` }), '', host)
    }
  })

  it('is given where there is no program, in the folders of PATH or at its path', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-programs-'))
    const [program, text] = [join(folder, 'program'), join(folder, 'text')]
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    writeFileSync(text, '')
    for (const command of ['sh', program])
      assert.equal(await warnings(test, { command: [command] }), '', command)
    for (const command of ['no-such-program', 'program', text, join(folder, 'none')])
      assert.match(
        await warnings(test, { command: [command] }),
        /^portcullis: no program ".+" was found/,
        command,
      )
  })

  it('says on Windows how a script is started, since a file of that name, or with .cmd, is none', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-programs-'))
    for (const file of ['npx', 'npx.cmd', 'node.exe'])
      writeFileSync(join(folder, file), '#!/bin/sh\n', { mode: 0o755 })
    pretendPlatform(test, 'win32')
    setVariable(test, 'PATH', folder)
    for (const command of ['node', 'node.exe', join(folder, 'node.exe')])
      assert.equal(await warnings(test, { command: [command] }), '', command)
    for (const command of ['npx', 'npx.cmd', join(folder, 'npx')])
      assert.match(
        await warnings(test, { command: [command] }),
        /^portcullis: no program ".+" was found \(on Windows, .* needs "cmd \/c" before it: .*\); requests get 502$/,
        command,
      )
  })
})
