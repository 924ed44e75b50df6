import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { startPortcullis } from '../support/command.ts'
import { findProgram } from '../support/find-program.ts'
import { freePort } from '../support/installation.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('README.md, followed in a folder with a demo on other ports', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-readme-'))
  const suite = closeAfterTests()
  suite.after(() => rmSync(folder, { recursive: true, force: true }))
  let gateway: number
  before(async () => {
    gateway = await freePort()
    // The others take free ones.
    const args = ['demo', '--port', String(gateway), '--data', join(folder, '.portcullis')]
    await startPortcullis(suite, args)
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  })

  /** The code blocks below a heading, as they are written there, for the gateway of this test. */
  const blocks = (heading: string): string[] => {
    const [, section = ''] = readme.split(`\n## ${heading}\n`)
    const [own = ''] = section.split('\n## ')
    return [...own.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, code = '']) =>
      code.replaceAll('127.0.0.1:3002', `127.0.0.1:${gateway}`),
    )
  }
  const shell = async (script: string, environment = {}): Promise<string> => {
    const command = `'${process.execPath}' '${join(root, 'bin/portcullis.js')}'`
    const env = { ...process.env, ...environment }
    const { stdout } = await run('sh', ['-ec', script.replaceAll('npx portcullis', command)], {
      cwd: folder,
      env,
    })
    return stdout
  }

  it('its lines for curl call a tool as a user, and give a machine its token', async () => {
    await findProgram('curl')
    const [call = '', machine = ''] = blocks('Use it with curl')
    assert.match(await shell(call), /"text":"5"/)
    assert.match(await shell(machine), /"access_token":"[^"]+".*"scope":"mcp:\*"/)
  })

  it('its program for the SDK calls a tool', async () => {
    const [program = ''] = blocks('Use it with the SDK')
    writeFileSync(join(folder, 'example.mjs'), program)
    const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder })
    assert.match(stdout, /text: '5'/)
  })

  it('its configuration is one that portcullis check accepts, and portcullis explain explains', async () => {
    const [file = '', commands = ''] = blocks('Write it down')
    writeFileSync(join(folder, 'portcullis.yaml'), file)
    const check = commands.split('\n').filter((line) => line.includes(' check '))
    assert.equal(check.length, 1)
    const secret = { BACKUP_SECRET: 's'.repeat(64) }
    assert.match(await shell(check.join('\n'), secret), /is valid: production mode, one MCP server/)
    const [explain = ''] = blocks('Find out why a call is refused')
    writeFileSync(join(folder, 'token'), await shell('npx portcullis token'))
    assert.match(await shell(explain, secret), /^decision +deny/m, 'a token of another issuer')
  })
})
