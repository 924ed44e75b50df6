import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Authorized } from '../../src/gateway/authorize.ts'
import { openListeners } from '../../src/gateway/listeners.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { post } from '../support/era-calls.ts'
import { type GatedSpy, gateAt, legacyRequest } from '../support/gated-spy.ts'
import {
  type HeldStream,
  initialize,
  listenTo,
  type Streamer,
  sessionOf,
  startStreamer,
} from '../support/held-streams.ts'
import { startInstallation } from '../support/installation.ts'

const subscribe = legacyRequest('resources/subscribe', { uri: 'file:///a' })
const call = legacyRequest('tools/call', { name: 'a' })
const event = (message: object): string => `data: ${JSON.stringify(message)}\n\n`
const updated = event({ method: 'notifications/resources/updated', params: { uri: 'file:///a' } })
const marked = event({ method: 'notifications/message', params: { data: 'after it' } })

describe('the stream of a legacy session', () => {
  let gate: GatedSpy
  let server: Streamer
  const suite = closeAfterTests()
  before(async () => {
    server = await startStreamer()
    suite.after(() => server.close())
    const upstreams = [{ name: 'spy', url: server.url, transport: 'streamable-http', era: 'legacy' } as const]
    const installation = await startInstallation({ config: { upstreams } })
    gate = gateAt(installation, installation.url, server, installation.mcpUrl)
    suite.after(() => installation.close())
  })

  const open = async (token: string) => {
    const session = sessionOf(await post(gate.installation.mcpUrl, token, initialize))
    return { session, stream: await listenTo(gate.installation.mcpUrl, token, session) }
  }
  const say = (...texts: string[]): void => void server.streams.at(-1)?.write(texts.join(''))
  /** Whatever has ended the stream by now would keep it from hearing this. */
  const goesOn = async (stream: HeldStream): Promise<void> => {
    say(marked)
    await stream.hears('after it')
    assert.ok(!stream.ended)
  }

  it('ends when its client subscribes with more scopes, and the next one hears of it (A23)', async () => {
    const { session, stream } = await open(await gate.tokenFor('mcp:tools:read', 'ada'))
    const token = await gate.tokenFor('mcp:resources:read', 'ada')
    assert.equal((await gate.post(subscribe, { token, headers: session })).status, 200)
    await stream.ends()
    const next = await listenTo(gate.installation.mcpUrl, token, session)
    say(updated)
    await next.hears('resources/updated')
    assert.equal((await gate.post(subscribe, { token, headers: session })).status, 200)
    await goesOn(next)
  })

  it('goes on where another token of its client may hear of nothing more', async () => {
    const { session, stream } = await open(await gate.tokenFor('mcp:tools:read', 'grace'))
    for (const scope of ['mcp:tools:read mcp:tools:execute', 'mcp:tools:execute']) {
      const token = await gate.tokenFor(scope, 'grace')
      assert.equal((await gate.post(call, { token, headers: session })).status, 200)
    }
    const refused = await gate.post(subscribe, {
      token: await gate.tokenFor('mcp:prompts:list', 'grace'),
      headers: session,
    })
    assert.equal(refused.status, 403)
    await goesOn(stream)
  })

  it('goes on when somebody else names its session, whatever that one may hear (A29)', async () => {
    const { session, stream } = await open(await gate.tokenFor('mcp:tools:read', 'ada'))
    const token = await gate.tokenFor('mcp:*', 'eve')
    assert.equal((await gate.post(subscribe, { token, headers: session })).status, 404)
    assert.equal((await gate.post(undefined, { token, headers: session, method: 'GET' })).status, 404)
    await goesOn(stream)
    const wider = await gate.tokenFor('mcp:resources:read', 'ada')
    assert.equal((await gate.post(subscribe, { token: wider, headers: session })).status, 200)
    await stream.ends()
  })
})

it('the stream of a client that has left before it began is not kept for ever', () => {
  const listeners = openListeners()
  const watched = (hasLeft: boolean): number => {
    const res = { closed: hasLeft, closings: 0, once: () => res.closings++ }
    const listening = { principal: {}, call: { era: 'legacy', verb: 'GET' } } as unknown as Authorized
    listeners.note(listening, { head: { sessionId: String(hasLeft) }, res } as unknown as Exchange)
    return res.closings
  }
  assert.deepEqual([watched(false), watched(true)], [1, 0])
})
