import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { policyFile } from '../support/policies.ts'
import { until } from '../support/until.ts'

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-cli-'))

async function demoPorts(): Promise<{ env: Record<string, string>; ports: Record<string, number> }> {
  const ports = {
    gateway: await freePort(),
    authorizationServer: await freePort(),
    demo: await freePort(),
    admin: await freePort(),
  }
  return {
    ports,
    env: {
      PORTCULLIS_LISTEN_GATEWAY: String(ports.gateway),
      PORTCULLIS_LISTEN_AUTHORIZATION_SERVER: String(ports.authorizationServer),
      PORTCULLIS_LISTEN_DEMO: String(ports.demo),
      PORTCULLIS_LISTEN_ADMIN: String(ports.admin),
    },
  }
}

describe('portcullis demo', () => {
  it('starts four servers, says where they are and what to do next, and ends cleanly', {
    timeout: 30_000,
  }, async (test) => {
    const { env, ports } = await demoPorts()
    const running = await startPortcullis(test, ['demo', '--data', folder()], env)
    for (const port of Object.values(ports))
      assert.match(running.output(), new RegExp(`127\\.0\\.0\\.1:${port}`))
    assert.match(
      running.output(),
      /npx @modelcontextprotocol\/inspector@latest .*http:\/\/127\.0\.0\.1:\d+\/mcp/,
    )
    assert.doesNotMatch(running.output(), /WARNING|Unsupported/)
    assert.equal((await fetch(`http://127.0.0.1:${ports['gateway']}/mcp`, { method: 'POST' })).status, 401)
    assert.equal((await fetch(`http://127.0.0.1:${ports['demo']}/mcp`, { method: 'POST' })).status, 401)
    assert.equal((await fetch(`http://127.0.0.1:${ports['admin']}/readyz`)).status, 200)
    await until(() => /mcp +401 POST \/mcp challenged/.test(running.output()), 'the log tells of it')
    running.process.kill('SIGINT')
    assert.equal(await running.exit, 0)
  })

  it('stands under a path, which `portcullis token` then knows', { timeout: 60_000 }, async (test) => {
    const [data, port] = [folder(), await freePort()]
    const url = `http://127.0.0.1:${port}/team/gate`
    const at = ['--data', data, '--port', String(port), '--public-url', url]
    const running = await startPortcullis(test, ['demo', ...at])
    assert.match(running.output(), /--server-url http:\/\/127\.0\.0\.1:\d+\/team\/gate\/mcp\n/)
    const { stdout } = await portcullis(['token', '--data', data])
    const { iss, aud } = decodeJwt(stdout.trim())
    assert.deepEqual([iss, aud], [url, `${url}/mcp`])
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stdout.trim()}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }),
    })
    assert.equal(response.status, 200, 'and the demo server knows the gateway by its tokens')
    await response.text()
    const elsewhere = await portcullis(['token', '--data', data, '--path', '/team/gate/mcp'])
    assert.match(elsewhere.stderr, /there is no MCP server at \/team\/gate\/mcp, only at \/mcp/)
  })

  it('names who holds a taken port, and how to choose another', { timeout: 30_000 }, async () => {
    const { env, ports } = await demoPorts()
    for (const [name, fix] of [
      ['gateway', /--port or listen\.gateway/],
      ['demo', /PORTCULLIS_LISTEN_DEMO, or choose a port for the gateway with --port/],
      ['admin', /listen\.admin/],
    ] as const) {
      const holder = createServer()
      await new Promise<void>((resolve) => holder.listen(ports[name], '127.0.0.1', resolve))
      const { code, stderr } = await portcullis(['demo', '--data', folder()], env)
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`port ${ports[name]} for the .* is taken by .*process ${process.pid}`))
      assert.match(stderr, fix)
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace')
      await new Promise((resolve) => holder.close(resolve))
    }
  })

  it('says what is wrong with a data folder', async () => {
    for (const data of ['/dev/null', '/dev/null/x']) {
      const { env } = await demoPorts()
      const { code, stderr } = await portcullis(['demo', '--data', data], env)
      assert.equal(code, 2)
      assert.match(stderr, /^portcullis: the data folder \/dev\/null.* cannot be used/)
    }
  })

  it('refuses to be public', async () => {
    const { code, stderr } = await portcullis([
      'demo',
      '--data',
      folder(),
      '--public-url',
      'https://mcp.example.com',
    ])
    assert.equal(code, 2)
    assert.match(stderr, /loopback URL in development mode/)
  })
})

describe('portcullis run', () => {
  it('asks for one server, not for none and not for two', async () => {
    for (const args of [['run'], ['run', '--upstream', 'http://127.0.0.1:1/mcp', '--', 'some-server']]) {
      const { code, stderr } = await portcullis(args)
      assert.equal(code, 2)
      assert.match(stderr, /either --upstream URL or -- COMMAND/)
    }
    assert.match(
      (await portcullis(['run', 'npx', '-y', 'some-server'])).stderr,
      /put the command of the server after --/,
    )
    for (const args of [['http://127.0.0.1:1/mcp'], ['--', 'HTTPS://a.example/mcp']]) {
      const { code, stderr } = await portcullis(['run', ...args])
      assert.equal(code, 2)
      assert.match(stderr, /is no command: portcullis run --upstream https?:/i)
    }
  })

  it('says when there is no such program', { timeout: 30_000 }, async (test) => {
    const args = ['run', '--port', String(await freePort()), '--data', folder(), '--', 'no-such-program']
    const running = await startPortcullis(test, args)
    await until(
      () => running.output().includes('no program "no-such-program" was found'),
      'it says that there is none',
    )
  })
})

describe('portcullis serve', () => {
  it('says how to name its file', async () => {
    const { code, stderr } = await portcullis(['serve', 'portcullis.yaml'])
    assert.equal(code, 2)
    assert.match(stderr, /portcullis\.yaml: serve takes no arguments: name the file after -c/)
  })

  it('runs its parts apart, which find each other, and each of which can be watched', {
    timeout: 60_000,
  }, async (test) => {
    const data = folder()
    const { ports } = await demoPorts()
    const file = join(data, 'portcullis.yaml')
    writeFileSync(
      file,
      `data: ${data}\nlog: { format: text }\nlisten: ${JSON.stringify(ports)}\nupstreams: [{ name: a, url: http://127.0.0.1:9/mcp }]\n`,
    )
    const server = await startPortcullis(test, ['serve', '-c', file, '--only', 'authorization-server'])
    const admin = await freePort()
    const gateway = await startPortcullis(test, ['serve', '--only', 'gateway'], {
      PORTCULLIS_CONFIG: file,
      PORTCULLIS_LISTEN_ADMIN: String(admin),
    })
    const json = await portcullis(['serve', '-c', file, '--only', 'gateway', '--json'], {
      PORTCULLIS_MODE: 'x',
    })
    assert.match(json.stderr, /mode: /)
    const url = `http://127.0.0.1:${ports['gateway']}`
    const metadata = (await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json()) as {
      issuer: string
    }
    assert.equal(metadata.issuer, url)
    const client = await OAuthClient.register(url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const { access_token: token, refresh_token: refresh } = await client.signIn({ scope: 'mcp:tools:read' })
    const ask = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return (
        await fetch(`${url}/mcp`, {
          method: 'POST',
          headers,
          body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
        })
      ).status
    }
    assert.equal(await ask(), 502, 'let in; there is no server behind')
    await client.token({ token: refresh, client_id: client.clientId }, { path: '/revoke' })
    await until(async () => (await ask()) === 401, 'the gateway hears of the revocation in another process')
    for (const [port, counted, links] of [
      [ports['admin'], /^portcullis_oauth_steps_total\{step="token",/m, server.output()],
      [admin, /^portcullis_mcp_operations_total\{/m, gateway.output()],
    ] as const) {
      const at = `http://127.0.0.1:${port}`
      assert.equal((await fetch(`${at}/readyz`)).status, 200)
      assert.match(await (await fetch(`${at}/metrics`)).text(), counted)
      assert.ok(links.includes(`${at}/sign-in/`), 'each has a dashboard')
    }
    for (const { process: child, exit } of [gateway, server]) {
      child.kill('SIGTERM')
      assert.equal(await exit, 0)
    }
  })
})

describe('portcullis check', () => {
  it('says that a configuration is right, or everything that is wrong', async () => {
    const good = join(folder(), 'a.yaml')
    writeFileSync(good, 'upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]')
    assert.match(
      (await portcullis(['check', '-c', good])).stdout,
      /is valid: development mode, one MCP server/,
    )
    const policies = policyFile('permit(principal, action, resource);')
    for (const [mode, said] of [
      ['enforce', /^ {2}policies {2}\/.*policies\.cedar {2}\(they decide who/m],
      ['report', /\(they only report/],
    ] as const) {
      const upstreams = 'upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]'
      writeFileSync(good, `${upstreams}\npolicies: [${policies}]\npolicyMode: ${mode}`)
      assert.match((await portcullis(['check', '-c', good])).stdout, said)
    }
    writeFileSync(good, 'mode: prod\nupstreams: [{ name: a }]\nx: 1')
    const { code, stderr } = await portcullis(['check', '-c', good])
    assert.equal(code, 2)
    assert.match(stderr, /3 problems/)
    for (const path of ['mode: ', 'upstreams\\[0\\]: ', 'x: ']) assert.match(stderr, new RegExp(path))
    assert.equal((await portcullis(['check', good])).stderr, stderr, 'without -c it is the same')
    assert.match((await portcullis(['check'])).stderr, /name the file/)
  })
})

describe('portcullis key', () => {
  it('lists, rotates and retires the keys of an installation', { timeout: 150_000 }, async (test) => {
    const data = folder()
    assert.match(
      (await portcullis(['key', 'list', '--data', data])).stderr,
      /not the data folder of an installation/,
    )
    const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--port', String(await freePort())]
    await startPortcullis(test, [...args, '--data', data])
    const key = (...more: string[]) => portcullis(['key', ...more, '--data', data])
    const rows = async (): Promise<string[][]> =>
      (await key('list')).stdout
        .trim()
        .split('\n')
        .map((row) => row.split(/ {2,}/))

    const [head, first, identity, audit] = await rows()
    assert.deepEqual(head, ['key', 'signs', 'algorithm', 'state', 'signs from', 'verifies until'])
    assert.deepEqual(first?.slice(1, 4), ['access tokens', 'ES256', 'active'])
    assert.match(first?.slice(4).join(' ') ?? '', /^\d{4}-\d\d-\d\dT[\d:]{8}Z -$/)
    assert.deepEqual(identity?.slice(1, 4), ['identity tokens', 'ES256', 'active'])
    assert.deepEqual(audit?.slice(2, 4), ['EdDSA', 'active'])

    assert.match((await key('rotate')).stdout, /^The new key .* signs from /)
    assert.deepEqual(
      (await rows()).map(([, , , state]) => state),
      ['state', 'next', 'active', 'active', 'active'],
    )
    assert.match((await key('rotate', '--now')).stdout, / signs now/)
    const retired = await key('retire', first?.[0] ?? '')
    assert.match(retired.stdout, /refused from now on/)
    assert.deepEqual(
      (await rows()).map(([, , , state]) => state),
      ['state', 'active', 'gone', 'active', 'active'],
    )
    await key('rotate', '--audit', '--now')
    const auditRow = async (): Promise<string[] | undefined> =>
      (await rows()).find(([kid]) => kid === audit?.[0])?.slice(3)
    assert.deepEqual(await auditRow(), ['retired', audit?.[4], '-'], 'its signatures never stop counting')
    assert.match((await key('retire', audit?.[0] ?? '')).stdout, /can still be verified/)
    assert.deepEqual(await auditRow(), ['retired', audit?.[4], '-'])
    assert.equal((await portcullis(['audit', 'verify', '--data', data])).code, 0)
    for (const wrong of [
      ['retire', first?.[0] ?? ''],
      ['rotate', '--unknown'],
    ]) {
      const { code, stdout, stderr } = await key(...wrong)
      assert.deepEqual([code, stdout], [2, ''], wrong.join(' '))
      assert.notEqual(stderr, '')
    }
  })
})

describe('portcullis', () => {
  it('explains itself', async () => {
    const help = await portcullis(['--help'])
    for (const command of [
      'demo',
      'run',
      'serve',
      'check',
      'explain',
      'token',
      'user',
      'client',
      'key',
      'doctor',
    ])
      assert.match(help.stdout, new RegExp(`^ +${command}`, 'm'))
    assert.match((await portcullis(['--version'])).stdout, /^\d+\.\d+\.\d+/)
    assert.equal((await portcullis(['unheard-of'])).code, 2)
  })
})
