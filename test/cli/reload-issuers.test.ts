import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { post } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { openStream, type Streamer, startStreamer } from '../support/held-streams.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

const list = legacyRequest('tools/list')
const inUse = /new configuration is in use/
const scope = 'mcp:*'
const [transport, era] = ['streamable-http', 'legacy'] as const

describe('other issuers in the configuration file of portcullis serve', { timeout: 120_000 }, () => {
  let gate: ServedFile
  let spy: Streamer
  let first: TokenIssuer
  let second: TokenIssuer
  const suite = closeAfterTests()
  const trust = ({ issuer }: TokenIssuer) => ({ issuer, audiences: ['api'], tokenTypes: ['JWT'] })
  const url = (): string => `${gate.url}/mcp`
  const statusOf = async (issuer: TokenIssuer): Promise<number> =>
    (await post(url(), await issuer.token({ scope }), list)).status
  const change = async (settings: ConfigInput, message = inUse) => {
    const from = gate.lines().length
    await gate.write({ ...gate.config, ...settings })
    return gate.says(message, from)
  }

  before(async () => {
    spy = await startStreamer()
    suite.after(() => spy.close())
    first = await startTokenIssuer(() => 'api')
    suite.after(() => first.close())
    second = await startTokenIssuer(() => 'api')
    suite.after(() => second.close())
    gate = await serveFile(suite, {
      upstreams: [{ name: 'http', url: spy.url, transport, era }],
      issuers: [trust(first), trust(second)],
    })
  })

  it('end the streams of the one that has changed, and of no other', async () => {
    const ofFirst = await openStream(url(), await first.token({ scope }))
    const ofSecond = await openStream(url(), await second.token({ scope }))
    await change({ issuers: [{ ...trust(first), audiences: ['api', 'more'] }, trust(second)] })
    await ofFirst.ends()
    // Longer than a stream that has to end goes on.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    assert.ok(!ofSecond.ended)
    assert.equal(await statusOf(first), 200)

    await change({ issuers: [trust(first)] })
    await ofSecond.ends()
    assert.equal(await statusOf(second), 401, 'nobody trusts it any more')
    assert.equal(await statusOf(first), 200)
  })

  it('keep the keys that they have while they do not answer', async () => {
    await change({ issuers: [trust(first), trust(second)] })
    assert.deepEqual([await statusOf(first), await statusOf(second)], [200, 200])
    first.isAway = true
    await change({ issuers: [trust(first), trust(second)], limits: { batch: 7 } })
    assert.equal(await statusOf(first), 200, 'which has not changed')
    first.isAway = false
  })

  it('are refused with all that came with them where their metadata cannot be trusted', async () => {
    const third = await startTokenIssuer(() => 'api')
    suite.after(() => third.close())
    third.metadata = { issuer: first.issuer }
    const stream = await openStream(url(), await first.token({ scope }))
    const upstreams = [{ name: 'other', path: '/other/mcp', url: spy.url, transport, era } as const]
    const refused = await change(
      { upstreams, issuers: [trust(second), trust(third)], clients: [] },
      /configuration in use stays/,
    )
    assert.deepEqual(
      refused.problems?.map(({ path }) => path),
      ['issuers[1].issuer'],
    )
    assert.deepEqual([await statusOf(first), await statusOf(second)], [200, 200])
    assert.equal((await post(`${gate.url}/other/mcp`, 'x', list)).status, 404)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    assert.ok(!stream.ended)

    third.metadata = {}
    gate.started.process.kill('SIGHUP')
    await stream.ends()
    const there = await post(`${gate.url}/other/mcp`, await third.token({ scope }), list)
    assert.equal(there.status, 200)
  })
})
