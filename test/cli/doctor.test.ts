import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Finding } from '../../src/doctor/contract.ts'
import { type BrokenServer, startBrokenServer } from '../fixtures/broken-server.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { approvingUser } from '../support/examination.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { until } from '../support/until.ts'

let demo: DemoInstallation
let broken: BrokenServer
before(async () => {
  demo = await startDemoInstallation()
  broken = await startBrokenServer('no-s256', 'challenge-without-metadata')
})
after(async () => {
  await demo.close()
  await broken.close()
})

const machine = ['--client-id', 'demo-m2m']
const secret = { PORTCULLIS_DOCTOR_CLIENT_SECRET: 'demo-m2m-secret' }

describe('portcullis doctor', () => {
  it('ends with 0 where everything passes, and shows each step with the requirement that it proves', async () => {
    const { code, stdout, stderr } = await portcullis(['doctor', demo.mcpUrl, ...machine], secret)
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /as MCP Inspector 2\.12, MCP 2025-11-25/)
    assert.match(stdout, /^ {2}✓ `issuer` is spelled as in the resource metadata {2}\[AM5, N4\]$/m)
    assert.match(stdout, /^Not checked: nobody signed in: add --login$/m)
    assert.doesNotMatch(stdout, /cause:|undefined/)
    assert.match(stdout, /^\d+ passed, 0 with a warning, 0 failed, \d+ skipped$/m)
    assert.doesNotMatch(stdout + stderr, /demo-m2m-secret|eyJ/)
  })

  it('ends with 1 where something fails, and says cause and fix', async () => {
    const { code, stdout } = await portcullis(['doctor', broken.mcpUrl])
    assert.equal(code, 1)
    assert.match(
      stdout,
      /✗ it announces PKCE with S256 {2}\[AM6, N5\]\n {6}cause: .*\n {6}asked by: RFC 8414 section 2; .*\n {6}fix: Add `/,
    )
    assert.match(stdout, /! the challenge names the resource metadata/)
  })

  it('ends with 2 where nothing answers, or it was used wrongly', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'doctor-')), 'token')
    writeFileSync(file, 'two words\n')
    for (const [args, says] of [
      [[`http://127.0.0.1:${await freePort()}/mcp`], /nothing listens there/],
      [[demo.mcpUrl, '--login', '--token', file], /either --login or --token/],
      [[demo.mcpUrl, '--token', file], /holds no access token/],
      [[demo.mcpUrl, '--token', `${file}-that-is-not-there`], /there is no file/],
      [[demo.mcpUrl, '--client-secret', 'x'], /needs --client-id/],
      [[demo.mcpUrl, '--client-id', ''], /--client-id .* is empty: give it, or take it away/],
      [[demo.mcpUrl, '--as', 'nobody'], /inspector, .*mcp-remote/],
      [[demo.mcpUrl, '--revision', '2020-01-01'], /published revision/],
      [[demo.mcpUrl, '--timeout', '0'], /whole number from 1 to 60/],
      [['ftp://127.0.0.1/mcp'], /http or https/],
      [['http://user:word@127.0.0.1/mcp'], /no user information/],
      [['http://:word@127.0.0.1/mcp'], /no user information/],
      [[], /url/],
    ] as const) {
      const { code, stderr } = await portcullis(['doctor', ...args])
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, says)
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace')
    }
  })

  it('keeps what stands in the query of the URL to itself (B4)', async () => {
    for (const args of [[], ['--json']]) {
      const { code, stdout, stderr } = await portcullis([
        'doctor',
        `${broken.mcpUrl}?key=of-the-user`,
        ...args,
      ])
      assert.equal(code, 1)
      assert.match(stdout, /the client called \S+\/mcp\?\[hidden\]/)
      assert.doesNotMatch(stdout + stderr, /of-the-user/)
    }
  })

  it('keeps it to itself too if nothing answers (B4)', async () => {
    const { stderr } = await portcullis([
      'doctor',
      `http://127.0.0.1:${await freePort()}/mcp?key=of-the-user`,
    ])
    assert.match(stderr, /^portcullis: http:\/\/127\.0\.0\.1:\d+\/mcp: nothing listens there\n$/)
  })

  it('does not take a word in that query for a key', async () => {
    const { stdout } = await portcullis(['doctor', `${broken.mcpUrl}?transport=http`])
    assert.match(stdout, /the client called http:\/\/\S+\/mcp\?\[hidden\]/)
  })

  it('keeps it to itself too if the server repeats only the key in it (B4)', async (test) => {
    const server = createServer(({ url }, res) => {
      res.writeHead(url?.startsWith('/mcp') ? 401 : 404, { 'content-type': 'application/json' })
      res.end('{"error":"no such key: of-the-user"}')
    })
    const { port } = await listen(server, test)
    const url = `http://127.0.0.1:${port}/mcp?key=of-the-user&other=1`
    const { code, stdout, stderr } = await portcullis(['doctor', url])
    assert.equal(code, 1, stderr)
    assert.match(stdout, /no such key: \[hidden\]/)
    assert.doesNotMatch(stdout + stderr, /of-the-user/)
  })

  it('writes one JSON document for machines', async () => {
    const { code, stdout } = await portcullis(['doctor', broken.mcpUrl, '--as', 'vscode', '--json'])
    const result = JSON.parse(stdout) as { as: string; counts: Record<string, number>; findings: Finding[] }
    assert.equal(code, 1)
    assert.equal(result.as, 'vscode')
    assert.equal(result.counts['failed'], 1)
    const failed = result.findings.find(({ mark }) => mark === 'failed')
    assert.equal(failed?.check, 'server-pkce')
    assert.deepEqual(failed?.requirements, ['AM6', 'N5'])
    for (const member of ['title', 'source', 'cause', 'fix'] as const)
      assert.notEqual(failed?.[member], undefined)
  })

  it('goes on with a token from a file', async () => {
    const { stdout: token } = await portcullis(['token', '--data', demo.data, '--public-url', demo.url])
    const file = join(mkdtempSync(join(tmpdir(), 'doctor-')), 'token')
    writeFileSync(file, token)
    const { code, stdout } = await portcullis([
      'doctor',
      demo.mcpUrl,
      '--token',
      file,
      '--revision',
      '2026-07-28',
    ])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /✓ tools\/list answers/)
    assert.match(stdout, /✓ the access token is for this MCP server/)
    assert.ok(!stdout.includes(token.trim()))
    assert.match(stdout, /^Not checked: there is no token for another server: add --foreign-token$/m)
    assert.doesNotMatch(stdout, /there is no access token/)
    const foreign = await portcullis(['doctor', demo.mcpUrl, '--foreign-token', file])
    assert.match(
      foreign.stdout,
      /✗ a token for another resource is refused/,
      'it is for this one, and opens it',
    )
    assert.equal(foreign.code, 1)
  })

  it('prints the authorization URL and what it waits for, and goes on when the user has approved', {
    timeout: 60_000,
  }, async (test) => {
    const args = ['doctor', demo.mcpUrl, '--as', 'mcp-remote', '--login', '--login-timeout', '30']
    const running = await startPortcullis(test, args, {}, 'Waiting up to 30 s')
    assert.match(
      running.output(),
      /Waiting up to 30 s for the answer at http:\/\/localhost:\d+\/oauth\/callback/,
    )
    await approvingUser(/^ {2}(http\S+)$/m.exec(running.output())?.[1] as string)
    assert.equal(await running.exit, 0, running.output())
    for (const step of ['each use of a refresh token replaces it', 'a code works only once'])
      await until(() => running.output().includes(`✓ ${step}`), step)
  })
})
