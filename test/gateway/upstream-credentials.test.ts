import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')
const secret = 'fixed-secret-of-the-server'

type Settings = NonNullable<Parameters<typeof startGatedSpy>[2]>

let gate: GatedSpy
afterEach(() => gate.close())

/** Starts a gate whose server gets a credential, and signs a user in. */
async function gateWith(credential: Settings['credential'], settings: Settings = {}): Promise<string> {
  const log = { level: 'debug', format: 'json' } as const
  gate = await startGatedSpy({ log }, undefined, { ...settings, credential })
  return gate.tokenFor('mcp:*', 'ada')
}

const arrived = (): Record<string, unknown> => gate.spy.seen.at(-1)!.headers

/** What a client may send of its own, none of which is for the server. */
const ofTheClient = { cookie: 'session=client', dpop: 'client-proof', 'x-api-key': 'client-key' }

describe('a fixed credential', () => {
  const fixed: [string, Settings['credential'], Record<string, string | undefined>][] = [
    ['nothing', 'none', { authorization: undefined, 'x-api-key': undefined }],
    ['a bearer token', { kind: 'bearer', token: secret }, { authorization: `Bearer ${secret}` }],
    [
      'a header of its own',
      { kind: 'header', name: 'X-Api-Key', value: secret },
      { authorization: undefined, 'x-api-key': secret },
    ],
    [
      'another scheme of Authorization',
      { kind: 'header', name: 'Authorization', value: `Basic ${secret}` },
      { authorization: `Basic ${secret}` },
    ],
  ]
  for (const [what, credential, expected] of fixed) {
    it(`is ${what}, and nothing of the client's comes with it (A10)`, async () => {
      const token = await gateWith(credential)
      assert.equal((await gate.post(list, { token, headers: ofTheClient })).status, 200)
      for (const [name, value] of Object.entries(expected)) assert.equal(arrived()[name], value, name)
      assert.deepEqual([arrived()['cookie'], arrived()['dpop']], [undefined, undefined])
      const all = JSON.stringify(gate.spy.seen)
      for (const value of [token, ...Object.values(ofTheClient)]) assert.ok(!all.includes(value), value)
    })
  }

  it('goes with what the gateway says by itself through a bridge, too (A10)', async () => {
    const token = await gateWith({ kind: 'header', name: 'X-Api-Key', value: secret }, { era: 'modern' })
    await gate.post(legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} }), {
      token,
    })
    assert.ok(gate.spy.seen.length > 0)
    for (const { headers } of gate.spy.seen) assert.equal(headers['x-api-key'], secret)
  })

  it('does not follow a redirect of the server (A11)', async () => {
    const token = await gateWith({ kind: 'bearer', token: secret })
    gate.spy.answerWith((_request, res) => res.writeHead(307, { location: `${gate.spy.url}/other` }).end())
    assert.equal((await gate.post(list, { token })).status, 502)
    assert.equal(gate.spy.seen.length, 1)
  })

  it('that the server does not accept is 502, and no secret is told to anybody (A11, A14)', async () => {
    const token = await gateWith({ kind: 'bearer', token: secret })
    gate.spy.answerWith((_request, res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
    const answer = await gate.post(list, { token })
    assert.equal(answer.status, 502)
    assert.equal(answer.json.error?.data['code'], 'upstream_refused')
    assert.equal(answer.headers.get('www-authenticate'), null)
    assert.ok(!answer.text.includes(secret))
    const told = gate.installation.log() + JSON.stringify(await gate.installation.audit())
    assert.match(told, /upstream_refused/)
    assert.ok(!told.includes(secret))
  })
})

describe('a credential in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-secret-'))
  after(() => rmSync(folder, { recursive: true }))

  /** Waits until a request arrives with a credential. */
  function untilArrives(token: string, name: string, value: string): Promise<void> {
    return until(async () => {
      assert.equal((await gate.post(list, { token })).status, 200)
      return arrived()[name] === value
    }, `${name} is ${value}`)
  }

  it('is used without the line break at its end, and a change is taken up without a restart', async () => {
    const valueFile = join(folder, 'key')
    writeFileSync(valueFile, 'first-key\n')
    const token = await gateWith({ kind: 'header', name: 'X-Api-Key', valueFile })
    await gate.post(list, { token })
    assert.equal(arrived()['x-api-key'], 'first-key')
    writeFileSync(`${valueFile}.new`, 'second-key\n')
    renameSync(`${valueFile}.new`, valueFile)
    await untilArrives(token, 'x-api-key', 'second-key')
    assert.match(gate.installation.log(), /took up the new secret/)
    assert.doesNotMatch(gate.installation.log(), /first-key|second-key/)
  })

  it('is taken up from behind a link that leads elsewhere now', async () => {
    const tokenFile = join(folder, 'token')
    for (const name of ['one', 'two']) writeFileSync(join(folder, name), `token-${name}`)
    symlinkSync('one', tokenFile)
    const token = await gateWith({ kind: 'bearer', tokenFile })
    await gate.post(list, { token })
    assert.equal(arrived()['authorization'], 'Bearer token-one')
    symlinkSync('two', `${tokenFile}.new`)
    renameSync(`${tokenFile}.new`, tokenFile)
    await untilArrives(token, 'authorization', 'Bearer token-two')
  })

  it('stays as it was while the file cannot be used, which the log tells', async () => {
    const tokenFile = join(folder, 'broken')
    writeFileSync(tokenFile, 'good-token')
    const token = await gateWith({ kind: 'bearer', tokenFile })
    const told = (pattern: RegExp): Promise<void> =>
      until(() => pattern.test(gate.installation.log()), `the log has ${pattern}`)
    writeFileSync(tokenFile, 'a token\r\nX-Evil: 1')
    await told(/is not taken up, it holds no secret/)
    rmSync(tokenFile)
    await told(/is not taken up, it cannot be read: ENOENT/)
    await gate.post(list, { token })
    assert.equal(arrived()['authorization'], 'Bearer good-token')
    assert.doesNotMatch(gate.installation.log(), /X-Evil/)
  })

  it('is looked at once more when the server does not accept it', async (test) => {
    const tokenFile = join(folder, 'revoked')
    writeFileSync(tokenFile, 'old-token')
    // Otherwise it is read every second as well.
    test.mock.timers.enable({ apis: ['setInterval'] })
    const token = await gateWith({ kind: 'bearer', tokenFile })
    test.mock.timers.reset()
    gate.spy.answerWith((_request, res) => res.writeHead(401).end())
    writeFileSync(tokenFile, 'new-token')
    await until(async () => {
      assert.equal((await gate.post(list, { token })).status, 502)
      return arrived()['authorization'] === 'Bearer new-token'
    }, 'the new token arrives')
  })
})
