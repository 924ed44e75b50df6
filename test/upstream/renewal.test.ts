import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { Pool } from 'undici'
import { Refusal } from '../../src/core/errors.ts'
import type { Connector, UpstreamReply, UpstreamRequest } from '../../src/upstream/contract.ts'
import { renewingConnector } from '../../src/upstream/renewal/renewing-connector.ts'
import type { Successor, Successors } from '../../src/upstream/renewal/successors.ts'
import { type SpyUpstream, startSpyUpstream } from '../support/spy-upstream.ts'

let spy: SpyUpstream
let dispatcher: Pool
before(async () => {
  spy = await startSpyUpstream()
  dispatcher = new Pool(new URL(spy.url).origin)
})
after(async () => {
  await dispatcher.destroy()
  await spy.close()
})

const request: UpstreamRequest = {
  method: 'POST',
  headers: ['Authorization', 'Bearer own', 'Mcp-Protocol-Version', '2025-11-25'],
  body: Buffer.from('{}'),
  era: 'legacy',
  id: 1,
  opensSession: false,
  cancels: false,
  principal: 'ada',
  session: 'lost',
  renewal: {
    initialize: '{"protocolVersion":"2025-11-25"}',
    revision: '2025-11-25',
    until: 1,
    by: 'repeating',
  },
}
const reply: UpstreamReply = { res: {} as ServerResponse, accept: (status) => ({ status, headers: [] }) }

/**
 * Sends a request to a server that has forgotten all sessions but some, or fails otherwise in others; returns in which ones
 * it was tried.
 */
async function send(
  successors: Successors,
  live: readonly string[],
  { tried = [], failure = new Refusal('session_unknown') }: { tried?: string[]; failure?: Error } = {},
): Promise<string[]> {
  const connector: Connector = {
    async send({ session = '' }) {
      tried.push(session)
      if (!live.includes(session)) throw failure
    },
    close: async () => {},
  }
  const renewing = renewingConnector({ connector, successors, dispatcher, url: spy.url, responseSeconds: 30 })
  await renewing.send(request, reply)
  return tried
}

const opens = (answer: (id: unknown) => string, type = 'application/json'): void =>
  spy.answerWith(({ body }, res) => {
    const { id, method } = JSON.parse(body || '{}') as { id?: unknown; method?: string }
    if (method !== 'initialize') return res.writeHead(202).end()
    return res.writeHead(200, { 'content-type': type, 'mcp-session-id': 'mine' }).end(answer(id))
  })
const result = (id: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } })

describe('the successor of a forgotten session', () => {
  it('is that of the replica that came first; the other one is ended at the server (N31)', async () => {
    opens(result)
    let found: Successor | undefined
    const successors: Successors = {
      find: async () => found,
      async settle() {
        found = { session: 'theirs' }
        return false
      },
    }
    assert.deepEqual(await send(successors, ['theirs']), ['lost', 'theirs'])
    const { method, headers } = spy.seen.at(-1)!
    assert.deepEqual([method, headers['mcp-session-id']], ['DELETE', 'mine'])
    assert.equal(headers.authorization, 'Bearer own')
  })

  it('is none where a client has ended the session meanwhile', async () => {
    opens(result)
    let found: Successor | undefined
    const successors: Successors = {
      find: async () => found,
      async settle() {
        found = 'none'
        return false
      },
    }
    await assert.rejects(send(successors, ['mine']), { code: 'session_unknown' })
    assert.equal(spy.seen.at(-1)?.method, 'DELETE')
  })

  it('may be told of in a stream, after other messages', async () => {
    const note = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'
    opens((id) => `${note}data: ${result(id)}\n\n`, 'text/event-stream')
    const successors: Successors = { find: async () => undefined, settle: async () => true }
    assert.deepEqual(await send(successors, ['mine']), ['lost', 'mine'])
  })

  it('is none where the server opens none, and a failure where it cannot', async () => {
    const successors: Successors = { find: async () => undefined, settle: async () => true }
    const sends = send.bind(undefined, successors, ['mine'])
    opens((id) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } }))
    await assert.rejects(sends(), { code: 'session_unknown' })
    spy.answerWith((_request, res) => res.writeHead(404).end())
    await assert.rejects(sends(), { code: 'session_unknown' })
    spy.answerWith(({ body }, res) => {
      const { id } = JSON.parse(body) as { id: unknown }
      res.writeHead(200, { 'content-type': 'application/json' }).end(result(id))
    })
    const unsettled: Successors = { ...successors, settle: () => assert.fail('one without an id is none') }
    await assert.rejects(send(unsettled, ['mine']), { code: 'session_unknown' })
    spy.answerWith((_request, res) => res.writeHead(500).end())
    await assert.rejects(sends(), { code: 'upstream_invalid' })
    spy.answerWith((_request, res) => res.writeHead(401).end())
    await assert.rejects(sends(), { code: 'upstream_refused' })
    spy.answerWith((_request, res) => res.destroy())
    await assert.rejects(sends(), { code: 'upstream_interrupted' })
  })
})

describe('a request that fails for another reason', () => {
  it('is not repeated, since the server may have done something', async () => {
    const earlier = spy.seen.length
    const successors: Successors = {
      find: () => assert.fail('nothing is looked for'),
      settle: () => assert.fail('nothing is settled'),
    }
    for (const failure of [new Refusal('upstream_interrupted'), new Error('a fault')]) {
      const tried: string[] = []
      await assert.rejects(send(successors, [], { tried, failure }), failure)
      assert.deepEqual(tried, ['lost'])
    }
    assert.equal(spy.seen.length, earlier)
  })
})
