import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { echo } from '../support/spy-upstream.ts'
import { startTokenIssuer, type TokenIssuer, tryToken } from '../support/token-issuer.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')

describe('opaque tokens of another issuer', () => {
  let clock: MovableClock
  let gate: GatedSpy
  let asked: TokenIssuer
  let folder: string
  let clientSecretFile: string
  const active = { active: true, sub: 'u1', client_id: 'app', aud: 'api', scope: 'mcp:*' }
  before(async () => {
    clock = movableClock()
    folder = await mkdtemp(join(tmpdir(), 'portcullis-secret-'))
    clientSecretFile = join(folder, 'secret')
    await writeFile(clientSecretFile, 'introspection-secret\n')
    asked = await startTokenIssuer(() => 'api')
    gate = await startGatedSpy(
      {
        authorizationServer: 'external',
        clients: [],
        issuers: [
          {
            issuer: asked.issuer,
            audiences: ['api'],
            introspection: { clientId: 'gate', clientSecretFile, cacheSeconds: 30 },
          },
        ],
      },
      clock,
    )
  })
  after(async () => {
    await gate.close()
    await asked.close()
    await rm(folder, { recursive: true })
  })
  const questions = (): number => asked.paths.filter((path) => path === '/introspect').length

  it('are asked about, once in a while, and once for many requests at a time (A36)', async () => {
    asked.opaque.set('t-good', active)
    const earlier = questions()
    const answers = await Promise.all(Array.from({ length: 10 }, () => tryToken(gate, 't-good')))
    assert.deepEqual(new Set(answers), new Set(['200']))
    assert.equal(questions() - earlier, 1)
    clock.advance(31_000)
    assert.equal(await tryToken(gate, 't-good'), '200')
    assert.equal(questions() - earlier, 2)
  })

  it('are asked about with the secret that its file holds by now', async () => {
    asked.opaque.set('t-other', active)
    assert.equal(await tryToken(gate, 't-other'), '200')
    assert.equal(asked.askedWith, 'introspection-secret')
    await writeFile(clientSecretFile, 'another-secret')
    clock.advance(31_000)
    assert.equal(await tryToken(gate, 't-other'), '200')
    assert.equal(asked.askedWith, 'another-secret')
    assert.match(gate.installation.log(), /took up the new secret in/)
    assert.doesNotMatch(gate.installation.log(), /another-secret/)
  })

  it('count no longer than the issuer says (A67)', async () => {
    asked.opaque.set('t-revoked', active)
    assert.equal(await tryToken(gate, 't-revoked'), '200')
    asked.opaque.delete('t-revoked')
    clock.advance(31_000)
    assert.equal(await tryToken(gate, 't-revoked'), 'token is not active')
  })

  for (const [what, becomes] of [
    ['says no', (token: string) => void asked.opaque.delete(token)],
    ['does not answer', () => void (asked.isAway = true)],
  ] as const)
    it(`are asked about for as long as a stream lasts, which ends when the issuer ${what} (A9, A67)`, {
      timeout: 30_000,
    }, async () => {
      const token = `t-stream-${what.length}`
      asked.opaque.set(token, { ...active, exp: Math.floor(clock.now() / 1000) + 3600 })
      gate.spy.answerWith((_request, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n')
      })
      const ended = gate.post(undefined, { token, method: 'GET' })
      for (const count of [1, 2, 3]) {
        const earlier = questions()
        if (count > 1) clock.advance(31_000)
        await until(() => questions() > earlier, 'the issuer is asked again')
      }
      becomes(token)
      clock.advance(31_000)
      assert.deepEqual([(await ended).status, (await ended).text], [200, ': open\n\n'])
      asked.isAway = false
      gate.spy.answerWith(echo)
    })

  it('must be no refresh token, and have times that are numbers, by clocks that differ a little (A5, A6)', async () => {
    const now = Math.floor(clock.now() / 1000)
    for (const [index, [said, reason]] of [
      [{ token_use: 'refresh_token', token_type: 'Bearer' }, 'token is no access token'],
      [{ typ: 'Refresh' }, 'token is no access token'],
      [{ token_type: 'id_token' }, 'token is no access token'],
      [{ token_use: 'access_token', typ: 'Bearer', token_type: 'access_token' }, '200'],
      [{ exp: '2020-01-01T00:00:00Z' }, 'token lacks a claim'],
      [{ exp: String(now - 100) }, 'token lacks a claim'],
      [{ iat: 'now' }, 'token lacks a claim'],
      [{ nbf: '0' }, 'token lacks a claim'],
      [{ exp: null, iat: null, nbf: null }, '200'],
      [{ iat: now + 3, nbf: now + 3 }, '200'],
    ].entries()) {
      asked.opaque.set(`t-said-${index}`, { ...active, ...(said as object) })
      assert.equal(await tryToken(gate, `t-said-${index}`), reason, JSON.stringify(said))
    }
  })

  it('must be active, of this issuer, for us, and begun (V3, A1)', async () => {
    for (const [answer, reason] of [
      [{ ...active, active: false }, 'token is not active'],
      [{ ...active, iss: 'https://evil.example' }, 'token is from an unknown issuer'],
      [{ ...active, aud: 'another-api' }, 'token is for another resource'],
      [{ ...active, aud: undefined }, 'token is for another resource'],
      [{ ...active, exp: 1, iat: 0 }, 'token expired'],
      [{ ...active, nbf: 99_999_999_999 }, 'token not valid yet'],
      [{ ...active, sub: undefined }, 'token lacks a claim'],
      [{ ...active, sub: '' }, 'token lacks a claim'],
    ] as const) {
      const token = `t-${JSON.stringify(answer).length}-${reason.replaceAll(' ', '-')}`
      asked.opaque.set(token, answer)
      assert.equal(await tryToken(gate, token), reason, JSON.stringify(answer))
    }
  })

  it('get 503 while the issuer does not answer: it is no fault of theirs', async () => {
    asked.opaque.set('t-later', active)
    asked.isAway = true
    const { status, headers } = await gate.post(list, { token: 't-later' })
    assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
    const log = gate.installation.log()
    assert.ok(log.includes(`"specifics":"${asked.issuer}: no answer: unexpected HTTP response status`), log)
    asked.isAway = false
    assert.equal(await tryToken(gate, 't-later'), '200')
    assert.ok(!gate.installation.log().includes('introspection-secret'))
  })
})
