import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { UpstreamReply, UpstreamRequest } from '../../src/upstream/contract.ts'
import { sessionConnector, sharingConnector } from '../../src/upstream/conversation/connector.ts'
import type { Conversation } from '../../src/upstream/conversation/contract.ts'
import { startConversation } from '../../src/upstream/conversation/conversation.ts'
import { createRegistry } from '../../src/upstream/conversation/registry.ts'
import { beginAnew } from '../support/begin-anew.ts'
import { fakeServer } from '../support/fake-channel.ts'

const post = (message: object): UpstreamRequest => ({
  method: 'POST',
  headers: [],
  body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })),
  era: 'legacy',
  id: 'id' in message ? (message.id as string) : undefined,
  opensSession: false,
  cancels: false,
  principal: 'ada',
  session: 'session',
  renewal: undefined,
})

/** The answer to a client that leaves when it is told to. */
class Answer extends EventEmitter {
  closed = false
  leave(): void {
    this.closed = true
    this.emit('close')
  }
}

const registry = () => createRegistry<Conversation>({ total: 9, perOwner: 9, idleSeconds: 60 })

describe('a conversation whose client leaves a request', () => {
  it('tells when the server is done with it, with an answer, an end or none (A37)', async () => {
    const server = fakeServer()
    const connector = sessionConnector({
      registry: registry(),
      lost: beginAnew,
      start: (caller, onClosed) =>
        startConversation({
          era: 'legacy',
          shared: false,
          open: server.open,
          caller,
          responseSeconds: 60,
          onClosed,
        }),
    })
    const over: string[] = []
    const leave = async (id: string, when: 'before' | 'after'): Promise<void> => {
      const res = new Answer()
      const reply: UpstreamReply = {
        res: res as unknown as ServerResponse,
        accept: (status) => ({ status, headers: [] }),
        onLeft: (ended) => void ended.then(() => over.push(id)),
      }
      if (when === 'before') res.closed = true
      void connector.send(post({ id, method: 'tools/call' }), reply)
      await turn()
      if (when === 'after') res.leave()
      await turn()
      assert.ok(!over.includes(id), 'the server is still at it')
    }
    await leave('answered', 'after')
    await leave('begun without a client', 'before')
    await leave('cancelled', 'after')
    server.events().onMessage({ jsonrpc: '2.0', id: 1, result: {} })
    server.events().onMessage({ jsonrpc: '2.0', id: 2, result: {} })
    const gone = new Answer()
    gone.closed = true
    const reply = {
      res: gone as unknown as ServerResponse,
      accept: (status: number) => ({ status, headers: [] }),
    }
    const params = { requestId: 'cancelled' }
    void connector.send(post({ method: 'notifications/cancelled', params }), reply)
    await turn()
    assert.deepEqual(over, ['answered', 'begun without a client', 'cancelled'])
    await connector.close()
  })
})

describe('a conversation that the clients of a principal share', () => {
  it('cancels nothing by a message, whose id any of them may have chosen (O14, A37)', async () => {
    const server = fakeServer()
    const connector = sharingConnector({
      registry: registry(),
      keyOf: (principal) => principal,
      start: (caller, onClosed) =>
        startConversation({
          era: 'modern',
          shared: false,
          open: server.open,
          caller,
          responseSeconds: 60,
          onClosed,
        }),
    })
    const reply = (): UpstreamReply => ({
      res: Object.assign(new Answer(), {
        writeHead() {},
        flushHeaders() {},
        end() {},
      }) as unknown as ServerResponse,
      accept: (status) => ({ status, headers: [] }),
    })
    void connector.send({ ...post({ id: 'same', method: 'tools/call' }), era: 'modern' }, reply())
    await turn()
    const cancel = post({ method: 'notifications/cancelled', params: { requestId: 'same' } })
    void connector.send({ ...cancel, era: 'modern', cancels: true }, reply())
    await turn()
    assert.deepEqual(
      server.seen.map(({ method }) => method),
      ['tools/call'],
    )
    await connector.close()
  })
})
