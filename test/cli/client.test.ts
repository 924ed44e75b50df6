import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { signingClient } from '../support/client-assertion.ts'
import { type Finished, portcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

let installation: Installation
before(async () => {
  installation = await startInstallation()
})
after(() => installation.close())

const run = (...args: string[]): Promise<Finished> =>
  portcullis(['client', ...args, '--data', installation.data])
async function runJson<T = Record<string, string>>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run(...args, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as T
}

const callback = 'http://127.0.0.1:1/callback'
const machineAsks = (id: string, secret: string, scope?: string) =>
  new OAuthClient(installation.url).token({
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
    ...(scope === undefined ? {} : { scope }),
  })

describe('portcullis client, while the server runs (R14)', { timeout: 280_000 }, () => {
  it('adds a program of users, which gets in at once', async () => {
    const { client_id: id = '', ...rest } = await runJson(
      'add',
      '--name',
      'Editor',
      '--redirect-uri',
      callback,
    )
    assert.deepEqual(rest, {}, 'a public client has no secret')
    assert.match(id, /^[\w-]{22}$/)
    assert.ok((await new OAuthClient(installation.url, id).signIn()).access_token)
  })

  it('blocks any client, also one of the configuration, and lets it in again', async () => {
    const ask = async () => (await machineAsks('machine', 'machine-secret-of-the-tests')).status
    assert.equal(await ask(), 200)
    const blocked = await run('block', 'machine')
    assert.equal(blocked.code, 0, blocked.stderr)
    // The server goes by what it has read for a second.
    const answers = async (status: number): Promise<void> => {
      await until(async () => (await ask()) === status, `it is answered with ${status}`)
    }
    await answers(401)
    assert.match((await run('block', 'machine')).stderr, /machine is blocked already/)
    assert.equal((await run('unblock', 'machine')).code, 0)
    await answers(200)
  })

  it('shows one of the configuration file, which is changed there', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'portcullis-clients-')), 'portcullis.yaml')
    const machine = '{ id: robot, secret: $ROBOT, grantTypes: [client_credentials], scopes: [mcp:tools] }'
    writeFileSync(file, `data: ${installation.data}\nclients: [${machine}]\n`)
    const of = (action: string, env: Record<string, string>) =>
      portcullis(['client', action, 'robot', '-c', file], env)
    const shown = await of('show', { ROBOT: 'secret-of-the-robot' })
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(
      shown.stdout,
      /^client_id +robot\n[^]*^scope +mcp:tools\n[^]*^registered_by +configuration\n/m,
    )
    assert.doesNotMatch(shown.stdout, /secret-of/)
    for (const action of ['rotate-secret', 'remove'])
      assert.match(
        (await of(action, { ROBOT: 'secret-of-the-robot' })).stderr,
        /change it there, under clients/,
      )
    assert.match(
      (await of('show', {})).stderr,
      /ROBOT[^]*\nyou can also name just the store, without the file: with --data FOLDER/,
    )
  })

  it('keeps out one that nobody knows, and says that nobody does', async () => {
    const typo = await run('block', 'machin')
    assert.equal(typo.code, 0, typo.stderr)
    assert.match(typo.stderr, /no client machin is known\. .*portcullis client unblock machin\n$/)
    assert.equal((await run('block', 'https://client.example/document')).stderr, '')
  })

  it('adds a machine with a secret that is shown once, and gives it another one', async () => {
    const args = ['add', '--name', 'Nightly', '--secret', '--scope', 'mcp:tools:read']
    const added = await run(...args)
    assert.equal(added.code, 0, added.stderr)
    assert.match(added.stdout, /shown only now/)
    const [, id = '', secret = ''] = /client_id +(\S+)\nclient_secret +(\S{43})\n/.exec(added.stdout) ?? []
    const { status, body } = await machineAsks(id, secret)
    assert.equal(status, 200)
    assert.equal(body.scope, 'mcp:tools:read')
    assert.equal((await machineAsks(id, secret, 'mcp:tools:execute')).body.error, 'invalid_scope')

    assert.match((await run('show', id)).stdout, /last_used_at +\d{4}-/, 'a machine is used as well')
    assert.match((await run('show', id)).stdout, /expires_at +never\n/, 'and stays')
    for (const shown of [await run('list'), await run('show', id, '--json')]) {
      assert.match(shown.stdout, /Nightly/)
      assert.ok(!shown.stdout.includes(secret))
    }
    const { client_secret: next = '' } = await runJson('rotate-secret', id)
    assert.equal((await machineAsks(id, secret)).status, 401, 'the old one ends at once')
    assert.equal((await machineAsks(id, next)).status, 200)
  })

  it('adds one with all of the scopes that it is given', async () => {
    const scopes = ['--scope', 'mcp:tools:read', '--scope', 'mcp:prompts:read mcp:prompts:list']
    const { client_id: id = '' } = await runJson('add', '--name', 'Several', '--secret', ...scopes)
    const { allowed_scopes: allowed } = await runJson('show', id)
    assert.deepEqual(allowed, ['mcp:tools:read', 'mcp:prompts:read', 'mcp:prompts:list'])
  })

  it('says which grants are off, without which the client has its others', async () => {
    const urn = 'urn:ietf:params:oauth:grant-type:'
    const off = ['device_code', 'token-exchange', 'jwt-bearer'].map((name) => urn + name)
    const grants = (types: readonly string[]): string[] => types.flatMap((type) => ['--grant', type])
    const flags = ['--name', 'Editor', '--redirect-uri', callback, '--secret', '--json']
    const all = grants(['authorization_code', 'refresh_token', ...off])
    const { stdout, stderr } = await run('add', ...flags, ...all)
    assert.deepEqual(
      stderr.trimEnd().split('\n'),
      ['grants.deviceCode: on', 'grants.tokenExchange: on', 'an entry in grants.identityAssertions'].map(
        (setting, index) =>
          `portcullis: the grant ${off[index]} works only with servers that run with ${setting}`,
      ),
    )
    const { client_id: id, client_secret: secret } = JSON.parse(stdout) as Record<string, string>
    const client = new OAuthClient(installation.url, id)
    const proof = { client_secret: secret ?? '' }
    const { status, body } = await client.redeem(await client.authorize(), proof)
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await client.refresh(body.refresh_token, proof)).status, 200)
    const alone = await runJson('add', '--name', 'Screen', ...grants(off.slice(0, 1)))
    for (const [clientId = '', more] of [[id, proof], [alone['client_id']]] as const)
      for (const type of off) {
        const parameters = { grant_type: type, client_id: clientId, ...more }
        assert.equal((await client.token(parameters)).body.error, 'unsupported_grant_type', type)
      }
  })

  it('adds a machine that signs', async () => {
    const signer = await signingClient()
    const file = join(mkdtempSync(join(tmpdir(), 'portcullis-jwks-')), 'keys.json')
    writeFileSync(file, JSON.stringify(signer.jwks))
    const { client_id: id = '', client_secret: secret } = await runJson(
      'add',
      '--name',
      'Signer',
      '--scope',
      'mcp:tools:read',
      '--jwks',
      file,
    )
    assert.equal(secret, undefined)
    const assertion = await signer.authenticate(id, installation.url)
    const answer = await new OAuthClient(installation.url).token({
      grant_type: 'client_credentials',
      scope: 'mcp:tools:read',
      ...assertion,
    })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.match((await run('rotate-secret', id)).stderr, /has no secret/)
  })

  it('removes a client with all that users granted it', async () => {
    const { client_id: id = '' } = await runJson('add', '--name', 'Leaving', '--redirect-uri', callback)
    const client = new OAuthClient(installation.url, id)
    const tokens = await client.signIn()
    const call = async (): Promise<number> =>
      (
        await fetch(installation.mcpUrl, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${tokens.access_token}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
          },
          body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
        })
      ).status
    assert.notEqual(await call(), 401)
    const { grants_ended: ended } = await runJson<{ grants_ended: number }>('remove', id)
    assert.equal(ended, 1)
    const { status, body } = await client.refresh(tokens.refresh_token)
    assert.deepEqual([status, body.error], [401, 'invalid_client'])
    await assert.rejects(client.authorize(), /registers anew/)
    await until(async () => (await call()) === 401, 'the access token has ended')
  })

  it('removes what users agreed to with a client that may come back (P12)', async () => {
    const register = (): Promise<OAuthClient> =>
      OAuthClient.register(installation.url, { redirect_uris: ['https://app.example/cb'] })
    const browser = new FormBrowser()
    const timesAsked = (): number => browser.pages.filter(({ html }) => html.includes('"approve"')).length
    const client = await register()
    await client.authorize({}, browser)
    await runJson('remove', client.clientId)
    const again = await register()
    assert.equal(again.clientId, client.clientId)
    const earlier = timesAsked()
    await again.authorize({}, browser)
    assert.equal(timesAsked(), earlier + 1)
  })

  it('lists clients that registered themselves, without letting their names steer the terminal', async () => {
    const { clientId } = await OAuthClient.register(installation.url, {
      client_name: 'evil\u001b[2Jname\u202e',
      redirect_uris: ['http://127.0.0.1:1/evil'],
    })
    const { stdout } = await run('list')
    assert.match(stdout, new RegExp(`${clientId} +evil\\[2Jname +itself`))
    const all = stdout + (await run('show', clientId)).stdout
    assert.ok(!all.includes('\u001b') && !all.includes('\u202e'))
  })

  it('names the redirect URIs with a scheme of their own (N14)', async () => {
    assert.match((await run('redirects')).stdout, /^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback$/m)
  })

  it('says what is wrong, all at once, and changes nothing', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const file = join(mkdtempSync(join(tmpdir(), 'portcullis-jwks-')), 'private.json')
    writeFileSync(file, JSON.stringify({ keys: [await exportJWK(privateKey)] }))
    const uris = ['http://app.example/cb', 'myapp://cb', 'javascript:alert(1)']
    const flags =
      '--name Wrong --scope everything --grant password --grant client_credentials --public --secret'
    const args = [...flags.split(' '), '--jwks', file, ...uris.flatMap((uri) => ['--redirect-uri', uri])]
    const { code, stderr } = await run('add', ...args)
    assert.equal(code, 2)
    for (const message of [
      /http:\/\/app.example\/cb is plain http on another computer/,
      /myapp:\/\/cb has a scheme of its own; .*privateUseRedirects/,
      /never allowed/,
      /everything is neither an MCP scope nor defined under scopes/,
      /password is not one of/,
      /cannot be used with client_credentials/,
      /alternatives/,
      /has a private key/,
    ]) {
      assert.match(stderr, message)
    }
    const nameless = await run('add', '--name', ' ', '--secret')
    assert.deepEqual([nameless.code, nameless.stdout], [2, ''])
    assert.match(
      nameless.stderr,
      /^portcullis: --name: must not be empty.*\n.*--scope: is required for client_cred/,
    )
    const keyless = await run('add', '--name', 'Wrong', '--scope', 'mcp:tools', '--jwks', join(file, '..'))
    assert.match(keyless.stderr, /^portcullis: --jwks: .+ is a folder: name a file\n$/)
    const homeless = await run('add', '--name', 'Wrong', '--grant', 'authorization_code')
    assert.match(homeless.stderr, /--redirect-uri: is required for authorization_code/)
    for (const command of ['show', 'rotate-secret', 'remove']) {
      const unknown = await run(command, 'nobody')
      assert.equal(unknown.code, 2)
      assert.match(unknown.stderr, /the store has no client nobody/)
    }
    assert.equal((await run('add')).code, 2, 'a name is needed')
    assert.ok(!(await run('list')).stdout.includes('Wrong'))
  })
})
