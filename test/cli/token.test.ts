import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { type OpenStore, withStore } from '../../src/cli/with-store.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-cli-'))

describe('portcullis token', () => {
  it('prints a token of an installation on this computer', { timeout: 30_000 }, async (test) => {
    const data = folder()
    assert.match(
      (await portcullis(['token', '--data', data])).stderr,
      /not the data folder of an installation/,
    )
    const upstream = 'http://127.0.0.1:9/mcp'
    const port = String(await freePort())
    const running = await startPortcullis(test, [
      'run',
      '--upstream',
      upstream,
      '--port',
      port,
      '--data',
      data,
    ])
    const args = ['token', '--data', data, '--port', port]
    const { stdout } = await portcullis([
      ...args,
      '--scope',
      'mcp:tools:read',
      '--user',
      'ada',
      '--seconds',
      '60',
    ])
    const payload = decodeJwt(stdout.trim())
    assert.equal(payload.sub, 'ada')
    assert.equal(payload['scope'], 'mcp:tools:read')
    assert.equal(payload.aud, `http://127.0.0.1:${port}/mcp`)
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60)
    const file = join(folder(), 'portcullis.json')
    writeFileSync(file, JSON.stringify({ scopes: { 'archive:write': 'Change the archive' } }))
    const own = await portcullis([...args, '-c', file, '--scope', 'archive:write'])
    assert.equal(decodeJwt(own.stdout.trim())['scope'], 'archive:write')
    const scopes = ['--scope', 'mcp:tools:read', '--scope', 'mcp:prompts:read mcp:tools:read']
    const several = await portcullis([...args, ...scopes])
    assert.equal(decodeJwt(several.stdout.trim())['scope'], 'mcp:tools:read mcp:prompts:read')
    const unknown = await portcullis([...args, '-c', file, '--scope', 'mcp:tools archive:read'])
    assert.deepEqual([unknown.code, unknown.stdout], [2, ''])
    assert.match(unknown.stderr, /--scope: archive:read is neither an MCP scope nor defined under scopes/)
    const elsewhere = await portcullis(['token', '--data', data, '--public-url', 'https://mcp.example.com'])
    assert.equal(elsewhere.code, 2)
    assert.equal(elsewhere.stdout, '')
    const upstreams = [{ name: 'server', url: upstream }]
    const publicUrl = `https://127.0.0.1:${port}`
    writeFileSync(file, JSON.stringify({ mode: 'production', publicUrl, upstreams }))
    const production = await portcullis([...args, '-c', file])
    assert.deepEqual([production.code, production.stdout], [2, ''])
    assert.match(
      production.stderr,
      /tokens without a sign-in are made only on loopback and in development mode/,
    )
    assert.match(running.output(), /nothing listens at http:\/\/127\.0\.0\.1:9\/mcp yet/)
  })

  it('is signed as the servers do it, and for one of them', async () => {
    const data = folder()
    const publicUrl = 'http://127.0.0.1:4000'
    const resources = [`${publicUrl}/mcp`]
    const last = { publicUrl, resources, names: ['a'], users: 'local', signingAlgorithm: 'EdDSA' }
    const write = ({ store }: OpenStore) => store.lastStart.write({ ...last, adminUrl: undefined })
    await withStore({ data }, write, { beforeMaking: async () => undefined })
    const { stdout } = await portcullis(['token', '--data', data])
    assert.equal(decodeProtectedHeader(stdout.trim()).alg, 'EdDSA')
    const nowhere = await portcullis(['token', '--data', data, '--path', '/nowhere'])
    assert.deepEqual([nowhere.code, nowhere.stdout], [2, ''])
    assert.match(nowhere.stderr, /--path: there is no MCP server at \/nowhere, only at \/mcp/)
  })

  it('is for no installation that others reach, of which only the last start says so', async () => {
    const data = folder()
    const publicUrl = 'https://mcp.example.com'
    const last = { publicUrl, resources: [], names: [], users: 'local', signingAlgorithm: 'ES256' }
    const write = ({ store }: OpenStore) => store.lastStart.write({ ...last, adminUrl: undefined })
    await withStore({ data }, write, { beforeMaking: async () => undefined })
    const { code, stdout, stderr } = await portcullis(['token', '--data', data])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /is https:\/\/mcp\.example\.com: tokens without a sign-in/)
  })

  it('is made for no installation whose gateway would refuse it', async () => {
    const data = folder()
    await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
    const file = join(data, 'portcullis.yaml')
    const issuers = [{ issuer: 'http://127.0.0.1:9', audiences: ['mcp'] }]
    writeFileSync(file, JSON.stringify({ data, authorizationServer: 'external', issuers }))
    const { code, stdout, stderr } = await portcullis(['token', '-c', file])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /authorizationServer: is external, so no token from here counts/)
  })

  it('refuses what makes no sense', async () => {
    for (const [args, says] of [
      [['--seconds', 'x'], /whole number from 1 to 86400/],
      [['--seconds', '0'], /whole number from 1 to 86400/],
      [['--seconds', '86401'], /whole number from 1 to 86400/],
      [['--scope', ' '], /name at least one scope/],
      [['--user', ' '], /the name must not be empty/],
      [['--port', 'x'], /whole number from 0 to 65535/],
      [['--unknown'], /unknown option/],
    ] as const) {
      const { code, stdout, stderr } = await portcullis(['token', '--data', folder(), ...args])
      assert.equal(code, 2, args.join(' '))
      assert.equal(stdout, '')
      assert.match(stderr, says)
    }
  })
})
