import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { type InstallationFacts, type StoreFlags, withStore } from '../../src/cli/with-store.ts'
import { startInstallation } from '../support/installation.ts'

const data = mkdtempSync(join(tmpdir(), 'portcullis-facts-'))
const file = join(data, 'portcullis.yaml')

function factsOf(flags: StoreFlags = {}): Promise<InstallationFacts> {
  return withStore({ data, ...flags }, ({ facts }) => Promise.resolve(facts))
}

/** The same while a variable is set. */
async function factsWith(test: TestContext, name: string, value: string): Promise<InstallationFacts> {
  test.after(() => delete process.env[name])
  process.env[name] = value
  try {
    return await factsOf()
  } finally {
    delete process.env[name]
  }
}

describe('what commands know of an installation', () => {
  before(async () => {
    const ofLastStart = {
      publicUrl: 'http://127.0.0.1:4000/gate',
      resources: ['http://127.0.0.1:4000/gate/mcp'],
      names: ['files'],
      users: 'local',
      signingAlgorithm: 'RS256',
    }
    await withStore({ data }, ({ store }) => store.lastStart.write(ofLastStart), {
      beforeMaking: async () => undefined,
    })
    writeFileSync(
      file,
      'publicUrl: http://127.0.0.1:5000\nupstreams: [{ name: other, path: /other, url: http://127.0.0.1:9 }]\n',
    )
  })

  it('is what the last start recorded, if they are only given the data folder', async () => {
    assert.deepEqual(await factsOf(), {
      publicUrl: 'http://127.0.0.1:4000/gate',
      resources: ['http://127.0.0.1:4000/gate/mcp'],
      servers: [{ name: 'files', resource: 'http://127.0.0.1:4000/gate/mcp' }],
      users: 'local',
      signingAlgorithm: 'RS256',
      servedAlgorithm: 'RS256',
    })
  })

  it('is another address, if a flag or a variable gives one', async (test) => {
    for (const [facts, url] of [
      [await factsOf({ port: 6000 }), 'http://127.0.0.1:6000'],
      [await factsOf({ publicUrl: 'http://localhost:7000' }), 'http://localhost:7000'],
      [await factsWith(test, 'PORTCULLIS_LISTEN_GATEWAY', '8000'), 'http://127.0.0.1:8000'],
      [await factsWith(test, 'PORTCULLIS_PUBLIC_URL', 'http://[::1]:9000'), 'http://[::1]:9000'],
    ] as const) {
      assert.deepEqual([facts.publicUrl, facts.resources], [url, [`${url}/mcp`]])
      assert.equal(facts.users, 'local')
    }
  })

  it('is who may log in and how tokens are signed, if a variable says so', async (test) => {
    assert.equal((await factsWith(test, 'PORTCULLIS_LOGIN_USERS', 'none')).users, 'none')
    assert.equal((await factsWith(test, 'PORTCULLIS_MODE', 'development')).users, 'development')
    const users = join(data, 'users')
    writeFileSync(users, 'none\n')
    assert.equal((await factsWith(test, 'PORTCULLIS_LOGIN_USERS_FILE', users)).users, 'none')
    const { signingAlgorithm, servedAlgorithm } = await factsWith(
      test,
      'PORTCULLIS_TOKENS_SIGNING_ALGORITHM',
      'EdDSA',
    )
    assert.deepEqual([signingAlgorithm, servedAlgorithm], ['EdDSA', 'RS256'])
  })

  it('is what the file says, if there is one, but for how the servers that run sign', async () => {
    assert.deepEqual(await factsOf({ config: file }), {
      publicUrl: 'http://127.0.0.1:5000',
      resources: ['http://127.0.0.1:5000/other'],
      servers: [{ name: 'other', resource: 'http://127.0.0.1:5000/other' }],
      users: 'development',
      signingAlgorithm: 'ES256',
      servedAlgorithm: 'RS256',
    })
  })

  it('are the servers that it has by now, after its configuration has changed', async (test) => {
    const installation = await startInstallation()
    test.after(() => installation.close())
    const { url } = installation
    const here = { data: installation.data }
    const own = { name: 'test', resource: `${url}/mcp` }
    assert.deepEqual((await factsOf(here)).servers, [own])
    const added = { name: 'mail', path: '/mail/mcp', url: 'http://127.0.0.1:9/mcp' }
    await installation.replace({ upstreams: [{ ...added, name: 'test', path: '/mcp' }, added] })
    assert.deepEqual((await factsOf(here)).servers, [own, { name: 'mail', resource: `${url}/mail/mcp` }])
  })
})
