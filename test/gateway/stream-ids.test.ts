import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Answer, type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly requestId?: unknown; readonly _meta?: { readonly progressToken?: unknown } }
}

let gate: GatedSpy
let mine: string
let theirs: string
let sessions = 0
before(async () => {
  gate = await startGatedSpy()
  mine = await gate.tokenFor('mcp:*')
  theirs = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

const within = (session: string): Record<string, string> => ({ 'mcp-session-id': session })

/** Opens a session; each has an id of its own at the server. */
async function open(token: string): Promise<string> {
  gate.spy.answerWith((_request, res) =>
    res
      .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `session-${++sessions}` })
      .end('{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}'),
  )
  const answer = await gate.post(legacyRequest('initialize', { protocolVersion: '2025-11-25' }), { token })
  return answer.headers.get('mcp-session-id') ?? ''
}

/** What a client hears when its call is answered by a stream of this text. */
async function hear(
  text: string,
  token: string,
  session: string,
  named: Record<string, string> = {},
): Promise<{ text: string; messages: Message[] }> {
  gate.spy.answerWith((_request, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', ...named }).end(text)
  })
  const answer = await gate.post(legacyRequest('tools/call', { name: 'a' }), {
    token,
    headers: within(session),
  })
  assert.equal(answer.status, 200, answer.text)
  const data = [...answer.text.matchAll(/^data: (.+)$/gm)].map(([, one = '']) => JSON.parse(one) as Message)
  gate.spy.answerWith((_request, res) => res.writeHead(202).end())
  return { text: answer.text, messages: data }
}

const event = (message: string): string => `data: ${message}\n\n`
const last = event('{"jsonrpc":"2.0","id":7,"result":{}}')
const ask = (id: string): string =>
  event(`{"jsonrpc":"2.0","id":${id},"method":"elicitation/create","params":{"_meta":{"progressToken":5}}}`)

const answer = (body: unknown, token: string, session: string): Promise<Answer> =>
  gate.post(body, { token, headers: within(session) })

describe('what a server asks its client', () => {
  it('may belong to a task that the client runs, of which nobody else knows', async () => {
    const session = await open(mine)
    const { messages } = await hear(ask('1') + last, mine, session)
    const result = {
      taskId: 'its own',
      _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'its own' } },
    }
    const response = { jsonrpc: '2.0', id: messages[0]?.id, result }
    assert.equal((await answer(response, mine, session)).status, 202)
    assert.deepEqual(JSON.parse(gate.spy.seen.at(-1)?.body ?? ''), { jsonrpc: '2.0', id: 1, result })
  })

  for (const id of ['1', '12345678901234567890', '"abc"']) {
    it(`is answered by that client with the server's own id: ${id} (A30)`, async () => {
      const session = await open(mine)
      const { messages } = await hear(ask(id) + last, mine, session)
      const [asked, answered] = messages
      assert.equal(typeof asked?.id, 'string')
      assert.notEqual(JSON.stringify(asked?.id), id)
      assert.equal(answered?.id, 7, 'the answer to the client keeps its id')
      const result = { big: 1, text: 'ä' }
      assert.equal((await answer({ jsonrpc: '2.0', id: asked?.id, result }, mine, session)).status, 202)
      assert.equal(gate.spy.seen.at(-1)?.body, `{"jsonrpc":"2.0","id":${id},"result":{"big":1,"text":"ä"}}`)
    })
  }

  it('is answered by nobody else, in no other session, and not by guessing (A30)', async () => {
    const [session, other, foreign] = [await open(mine), await open(mine), await open(theirs)]
    const { messages } = await hear(ask('1') + last, mine, session)
    const id = messages[0]?.id
    const earlier = gate.spy.seen.length
    const tries: [unknown, string, string][] = [
      [id, mine, other],
      [id, theirs, foreign],
      [1, mine, session],
      ['1', theirs, foreign],
      ['made-up', mine, session],
    ]
    for (const [tried, token, where] of tries) {
      const refused = await answer({ jsonrpc: '2.0', id: tried, result: {} }, token, where)
      assert.deepEqual([refused.status, refused.json.error?.data['code']], [400, 'response_unexpected'])
    }
    const intruder = await answer({ jsonrpc: '2.0', id, result: {} }, theirs, session)
    assert.equal(intruder.status, 404)
    const without = await gate.post({ jsonrpc: '2.0', id: 1, result: {} }, { token: mine })
    assert.equal(without.status, 400, 'nor without a session')
    assert.equal(gate.spy.seen.length, earlier, 'the server hears nothing of it')
  })

  it('is answered in the session that its client is in, whichever the server names with it (A30)', async () => {
    const session = await open(mine)
    const { messages } = await hear(ask('9') + last, mine, session, within('another'))
    const response = { jsonrpc: '2.0', id: messages[0]?.id, result: {} }
    assert.equal((await answer(response, mine, session)).status, 202)
  })

  it('is reported on, and taken back, by ids that fit together (A30)', async () => {
    const session = await open(mine)
    const cancel = event('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}')
    const escaped = cancel.replace('/', String.raw`\/`) // as PHP writes it
    const { messages } = await hear(ask('9') + cancel + escaped + last, mine, session)
    const [asked, ...cancelled] = messages
    for (const { params } of cancelled.slice(0, 2)) assert.equal(params?.requestId, asked?.id)
    const report = (progressToken: unknown, token: string, where: string): Promise<Answer> =>
      answer(
        { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } },
        token,
        where,
      )
    const token = asked?.params?.['_meta']?.progressToken
    const empty = await answer({ jsonrpc: '2.0', method: 'notifications/progress' }, mine, session)
    assert.equal(empty.status, 202, 'reports on nothing')
    assert.equal((await report(token, mine, session)).status, 202)
    assert.match(gate.spy.seen.at(-1)?.body ?? '', /"progressToken":5/)
    const earlier = gate.spy.seen.length
    assert.equal((await report(5, mine, session)).status, 400)
    assert.equal((await report(token, theirs, await open(theirs))).status, 400)
    assert.equal(gate.spy.seen.length, earlier + 1, 'but for the session that was opened')
  })

  it('is not answered by what else of the stream its client was given (A30)', async () => {
    const session = await open(mine)
    for (const place of ['5', 'ev-1']) {
      const heard = await hear(`id: ${place}\n${ask('9')}${last}`, mine, session)
      const [, sealedPlace = ''] = /^id: (.+)$/m.exec(heard.text) ?? []
      const earlier = gate.spy.seen.length
      for (const id of [sealedPlace, heard.messages[0]?.params?.['_meta']?.progressToken]) {
        const refused = await answer({ jsonrpc: '2.0', id, result: {} }, mine, session)
        assert.deepEqual([refused.status, refused.json.error?.data['code']], [400, 'response_unexpected'])
      }
      assert.equal(gate.spy.seen.length, earlier)
    }
  })

  it('is answered in a batch as a whole, or not at all (A21)', async () => {
    const session = await open(mine)
    const { messages } = await hear(ask('1') + last, mine, session)
    const good = { jsonrpc: '2.0', id: messages[0]?.id, result: {} }
    const headers = { ...within(session), 'mcp-protocol-version': '2025-03-26' }
    const earlier = gate.spy.seen.length
    const bad = { jsonrpc: '2.0', id: 1, result: {} }
    assert.equal((await gate.post([good, bad], { token: mine, headers })).status, 400)
    assert.equal(gate.spy.seen.length, earlier)
    const both = [good, legacyRequest('tools/list')]
    assert.equal((await gate.post(both, { token: mine, headers })).status, 202)
    assert.match(gate.spy.seen.at(-1)?.body ?? '', /^\[{"jsonrpc":"2.0","id":1,"result":{}},/)
  })
})

describe('what a server asks before it has answered initialize', () => {
  /** Opens a session, in whose first stream the server asks before it answers. */
  async function openAsked(token: string): Promise<{ session: string; text: string; id: unknown }> {
    const result = '{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}'
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': `session-${++sessions}` })
      res.end(`id: 17\n${event('{"jsonrpc":"2.0","id":1,"method":"ping"}')}${event(result)}`)
    })
    const hello = legacyRequest('initialize', { protocolVersion: '2025-11-25' })
    const { headers, text } = await gate.post(hello, { token })
    gate.spy.answerWith((_request, res) => res.writeHead(202).end())
    const [, asked = ''] = /^data: (.+)$/m.exec(text) ?? []
    return { session: headers.get('mcp-session-id') ?? '', text, id: (JSON.parse(asked) as Message).id }
  }

  it('is answered in the session that is being opened, and in no other (A30)', async () => {
    const { session, id } = await openAsked(mine)
    const response = { jsonrpc: '2.0', id, result: {} }
    assert.equal((await answer(response, mine, session)).status, 202)
    assert.equal(gate.spy.seen.at(-1)?.body, '{"jsonrpc":"2.0","id":1,"result":{}}')
    const other = await open(mine)
    const earlier = gate.spy.seen.length
    assert.equal((await answer(response, mine, other)).status, 400)
    assert.equal((await gate.post(response, { token: mine })).status, 400, 'nor without a session')
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('comes at a place that its client can come back to (A31)', async () => {
    const { session, text } = await openAsked(mine)
    const place = /^id: (.+)$/m.exec(text)?.[1] ?? ''
    assert.notEqual(place, '17')
    const headers = { ...within(session), 'last-event-id': place }
    await gate.post(undefined, { token: mine, method: 'GET', headers })
    assert.equal(gate.spy.seen.at(-1)?.headers['last-event-id'], '17')
  })
})

describe('a place in a stream', () => {
  it('is one for the client that was in it, and for nobody else (A31, H3)', async () => {
    const [session, foreign] = [await open(mine), await open(theirs)]
    const { text } = await hear(`id: 17\n${last}`, mine, session)
    const place = /^id: (.+)$/m.exec(text)?.[1] ?? ''
    assert.notEqual(place, '17')
    const resume = async (id: string, token: string, where: string): Promise<unknown> => {
      await gate.post(undefined, { token, method: 'GET', headers: { ...within(where), 'last-event-id': id } })
      return gate.spy.seen.at(-1)?.headers['last-event-id']
    }
    assert.equal(await resume(place, mine, session), '17')
    assert.equal(await resume(place, theirs, foreign), undefined)
    assert.equal(await resume('17', theirs, foreign), undefined)
    assert.equal(await resume('17', mine, session), undefined)
  })

  it('is what a client comes back to when the server cuts the stream, and no error takes the place of the answer', async () => {
    const session = await open(mine)
    const call = async (text: string, headers = within(session)): Promise<string> => {
      gate.spy.answerWith((_request, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(text)
        setTimeout(() => res.socket?.destroy(), 50)
      })
      const sent = { token: mine, headers }
      return (await gate.post(legacyRequest('tools/call', { name: 'a' }), sent)).text
    }
    await assert.rejects(call('id: 17\ndata:\n\n'))
    const outside = call('id: 17\ndata:\n\n', {})
    assert.match(
      await outside,
      /^id: 17\n[^]*"code":502/,
      'without a session there is nothing to come back to',
    )
    assert.match(await call(': nothing to come back to\n\n'), /"code":502/)
  })

  it('is not what an answer has for its id, whatever its result says', async () => {
    const session = await open(mine)
    const answered = event('{"jsonrpc":"2.0","id":7,"result":{"method":"x","params":{"requestId":1}}}')
    assert.equal((await hear(answered, mine, session)).messages[0]?.id, 7)
  })

  it('leaves everything else of the stream as the server wrote it', async () => {
    const session = await open(mine)
    const progress = event('{"jsonrpc":"2.0","method":"notifications/progress","params":{"n":1.0e2}}')
    const { text } = await hear(progress + progress + last, mine, session)
    assert.equal(text, progress + progress + last)
  })
})
