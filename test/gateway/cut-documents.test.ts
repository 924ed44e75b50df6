import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { type Answer, type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

const json = { 'content-type': 'application/json' }
const call = legacyRequest('tools/call', { name: 'shown' })
/** Its answer is changed on its way, since one tool is hidden. */
const list = legacyRequest('tools/list')
const answer = '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"shown"},{"name":"hidden"}]}}'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy({}, undefined, { objects: { tools: { deny: ['hidden'] } } })
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

function ask(body: object, respond: (res: ServerResponse) => void): Promise<Answer> {
  gate.spy.answerWith((_request, res) => respond(res))
  return gate.post(body, { token })
}

/** Cuts the connection when a part of the answer has arrived. */
const cutAfter = (res: ServerResponse, part: string): boolean => res.write(part, () => res.socket?.destroy())
const failure = ({ status, json: { id, error } }: Answer): unknown => [status, id, error?.data['code']]

describe('a document that the server cuts', () => {
  it('before its first byte is an error of JSON-RPC to its client (A71)', async () => {
    for (const headers of [json, { ...json, 'content-length': 100 }]) {
      const cut = await ask(call, (res) => {
        res.writeHead(200, headers).flushHeaders()
        setTimeout(() => res.socket?.destroy(), 50)
      })
      assert.deepEqual(failure(cut), [502, 7, 'upstream_interrupted'])
    }
  })

  it('anywhere is such an error where it would have been changed on its way (A71)', async () => {
    for (const headers of [json, { ...json, 'content-length': answer.length }]) {
      const cut = await ask(list, (res) => cutAfter(res.writeHead(200, headers), answer.slice(0, -1)))
      assert.deepEqual(failure(cut), [502, 7, 'upstream_interrupted'])
    }
  })

  it('after its client has got a part of it is broken off', async () => {
    for (const headers of [json, { ...json, 'content-length': answer.length }])
      await assert.rejects(ask(call, (res) => cutAfter(res.writeHead(200, headers), answer.slice(0, -1))))
  })
})

describe('a document that would be changed on its way', () => {
  it('and cannot be read is an error that says so to its client (A71)', async () => {
    for (const headers of [json, { ...json, 'content-length': 9 }]) {
      const nonsense = await ask(list, (res) => res.writeHead(200, headers).end('{"jsonrpc'))
      assert.deepEqual(failure(nonsense), [502, 7, 'upstream_invalid'])
    }
  })
})

it('a document without a length arrives whole, however it comes', async () => {
  const whole = await ask(call, (res) => {
    res.writeHead(200, json).flushHeaders()
    setTimeout(() => res.write(answer.slice(0, 20)), 20)
    setTimeout(() => res.end(answer.slice(20)), 40)
  })
  assert.deepEqual([whole.status, whole.text], [200, answer])
  const empty = await ask(call, (res) => res.writeHead(202).end())
  assert.deepEqual([empty.status, empty.text], [202, ''])
})
