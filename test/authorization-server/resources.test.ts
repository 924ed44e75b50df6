import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

// The first is no more meant than the others by a request without a resource.
const upstreams = [
  { name: 'first', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
  { name: 'files', path: '/files/mcp', url: 'http://127.0.0.1:9/mcp' },
  { name: 'git', path: '/git/mcp', url: 'http://127.0.0.1:9/mcp' },
]

let installation: Installation
let client: OAuthClient
let files: string
let git: string
before(async () => {
  installation = await startInstallation({ config: { upstreams, clients: testClients } })
  client = new OAuthClient(installation.url)
  files = `${installation.url}/files/mcp`
  git = `${installation.url}/git/mcp`
})
after(() => installation.close())

const scope = 'mcp:tools:read'

/** Asks for authorization; returns the error that came back to the client, and whether anybody was asked. */
async function errorOf(resources: readonly string[]): Promise<{ error: string | null; asked: boolean }> {
  const url = new URL(client.authorizationUrl({ verifier: 'v'.repeat(43), scope }))
  for (const resource of resources) url.searchParams.append('resource', resource)
  const browser = new FormBrowser()
  const callback = await browser.visit(url.href)
  return {
    error: callback?.searchParams.get('error') ?? null,
    asked: browser.pages.some(({ html }) => html.includes('<form')),
  }
}

describe('the resource of an authorization request, where there are several servers (A59, P13)', () => {
  it('has to be named, once, and to be one of them', async () => {
    for (const resources of [
      [],
      [''],
      [installation.url],
      [files, git],
      [files, 'https://elsewhere.example/mcp'],
      [`${installation.url}/other/mcp`],
      [`${files}#fragment`],
      [`${files}#`],
      [`${files}?query=1`],
      [`${files}/more`],
      [`${installation.url}/FILES/mcp`],
      [`${installation.url}/files/../git/../admin`],
      ['files'],
      ['urn:files'],
    ]) {
      const refused = { error: 'invalid_target', asked: false }
      assert.deepEqual(await errorOf(resources), refused, JSON.stringify(resources))
    }
  })

  it('is the same in each spelling, and becomes the canonical audience (P14)', async () => {
    const { port } = new URL(installation.url)
    for (const resource of [
      files,
      `${files}/`,
      `HTTP://127.0.0.1:${port}/files/mcp`,
      `http://localhost:${port}/files/mcp`,
    ]) {
      const { access_token: token } = await client.signIn({ resource, scope })
      assert.equal(decodeJwt(token).aud, files, resource)
    }
  })

  it('may be named twice in two spellings, or beside a parameter without a value, which names none', async () => {
    for (const resources of [
      [files, `${files}/`],
      ['', files],
    ])
      assert.deepEqual(await errorOf(resources), { error: null, asked: true }, JSON.stringify(resources))
  })
})

describe('the resource of a token request (A59, A44)', () => {
  it('must be the one that was granted', async () => {
    for (const resource of [git, 'https://elsewhere.example/mcp', `${files}#fragment`, installation.url]) {
      const issued = await client.authorize({ resource: files, scope })
      const { status, body } = await client.redeem(issued, { resource })
      assert.deepEqual([status, body.error], [400, 'invalid_target'], resource)
      assert.equal(body.access_token, undefined)
    }
  })

  it('may be left out, or be spelled another way', async () => {
    for (const parameters of [{}, { resource: `${files}/` }] as Record<string, string>[]) {
      const { body } = await client.redeem(await client.authorize({ resource: files, scope }), parameters)
      assert.equal(decodeJwt(body.access_token).aud, files)
    }
  })

  it('cannot be two', async () => {
    const issued = await client.authorize({ resource: files, scope })
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: issued.code,
      code_verifier: issued.verifier,
      redirect_uri: client.redirectUri,
      client_id: client.clientId,
    })
    form.append('resource', files)
    form.append('resource', git)
    const response = await fetch(`${installation.url}/token`, { method: 'POST', body: form })
    assert.equal(response.status, 400)
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_target')
  })

  it('cannot be changed by refreshing', async () => {
    const { refresh_token: token } = await client.signIn({ resource: files, scope })
    assert.equal((await client.refresh(token, { resource: git })).body.error, 'invalid_target')
    const { body } = await client.refresh(token, { resource: files })
    assert.equal(decodeJwt(body.access_token).aud, files)
  })

  it('has to be named by a machine', async () => {
    const machine = {
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    }
    const missing = await client.token(machine)
    assert.equal(missing.body.error, 'invalid_target')
    assert.match(
      String(missing.body['error_description']),
      /^the resource parameter is missing: it is the URL of one of/,
    )
    const wrong = await client.token({ ...machine, resource: installation.url })
    assert.match(
      String(wrong.body['error_description']),
      /^the resource parameter is not the URL of an MCP server here/,
    )
    const { body } = await client.token({ ...machine, resource: git })
    assert.equal(decodeJwt(body.access_token).aud, git)
  })
})
