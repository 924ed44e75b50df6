import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { sessionChanges } from '../../src/upstream/bridge/session-changes.ts'
import { callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { callerOf, recordingSink } from '../support/fake-channel.ts'
import { fakeConversation } from '../support/fake-conversation.ts'

const ada = callerOf('ada')

/** The changes of a session at a server, each of whose descriptions the test gives. */
function setUp() {
  const server = fakeConversation()
  const described: PromiseWithResolvers<Json>[] = []
  const changes = sessionChanges({
    reach: () => server,
    discover() {
      const next = Promise.withResolvers<Json>()
      described.push(next)
      return next.promise
    },
    envelope: () => ({}),
  })
  const listen = () => {
    const sink = recordingSink()
    return { sink, leave: changes.listen(sink, ada) }
  }
  const describeServer = async (index: number): Promise<void> => {
    described[index]?.resolve({ capabilities: { tools: { listChanged: true } } })
    await turn()
  }
  return { server, changes, described, listen, describeServer }
}

describe('the changes of a session', () => {
  it('are listened to while there is a stream, and hold the session only with a subscription', async () => {
    const { changes, listen } = setUp()
    assert.deepEqual([changes.listened, changes.hasSubscriptions], [false, false])
    const { leave } = listen()
    assert.deepEqual([changes.listened, changes.hasSubscriptions], [true, false])
    leave()
    await changes.subscribe(callOf('resources/subscribe', { uri: 'test:///a' }, 1), recordingSink(), ada)
    assert.deepEqual([changes.listened, changes.hasSubscriptions], [false, false])
    listen()
    assert.deepEqual([changes.listened, changes.hasSubscriptions], [true, true])
  })

  it('go on for a client that came back, whatever becomes of what was asked for before', async () => {
    const { server, described, listen, describeServer } = setUp()
    listen().leave()
    const { sink } = listen()
    described[0]?.reject(new Error('planted'))
    await turn()
    assert.equal(sink.ended, 0)
    await describeServer(1)
    assert.deepEqual(server.methods(), ['subscriptions/listen'])
  })

  it('begin anew for a client that comes back after the server has ended them', async () => {
    const { server, listen, describeServer } = setUp()
    const { sink } = listen()
    await describeServer(0)
    server.take('subscriptions/listen').sink.end(200)
    assert.equal(sink.ended, 1)
    listen()
    await describeServer(1)
    assert.deepEqual(server.methods(), ['subscriptions/listen', 'subscriptions/listen'])
  })

  it('end at the server with the session, before any stream of the client has closed', async () => {
    const { server, changes, listen, describeServer } = setUp()
    const { sink } = listen()
    await describeServer(0)
    changes.end()
    assert.equal(server.cancelled.length, 1)
    assert.equal(sink.ended, 1)
  })
})
