import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { type Answer, type GatedSpy, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import type { SeenRequest } from '../support/spy-upstream.ts'

type Params = Record<string, unknown>

const unknown = { code: -32602, message: 'unknown state' }

/**
 * A server that asks before it acts, as the specification wants it of one: its state tells whose it is, for which call,
 * and is good once. Who calls, it knows from the gateway alone.
 */
function askFirst(): (request: SeenRequest) => object {
  const open = new Set<string>()
  const key = randomUUID()
  const stateOf = (id: string, sub: unknown, { name, arguments: given }: Params): string =>
    `${id}.${createHmac('sha256', key)
      .update(JSON.stringify([id, sub, name, given]))
      .digest('base64url')}`
  return ({ headers, body }) => {
    const { params } = JSON.parse(body) as { params: Params }
    const { sub } = decodeJwt(String(headers.authorization).slice('Bearer '.length))
    const state = params['requestState']
    if (state === undefined) {
      const id = randomUUID()
      open.add(id)
      const inputRequests = { sure: { method: 'elicitation/create', params: { message: 'Sure?' } } }
      return {
        result: { resultType: 'input_required', inputRequests, requestState: stateOf(id, sub, params) },
      }
    }
    const [id = ''] = String(state).split('.')
    if (state !== stateOf(id, sub, params) || !open.delete(id)) return { error: unknown }
    return { result: { resultType: 'complete', content: [{ type: 'text', text: `done for ${sub}` }] } }
  }
}

let gate: GatedSpy
let alice: string
let bob: string
let reader: string
before(async () => {
  gate = await startGatedSpy()
  alice = await gate.tokenFor('mcp:*', 'alice')
  bob = await gate.tokenFor('mcp:*', 'bob')
  reader = await gate.tokenFor('mcp:tools:read', 'carol')
})
after(async () => {
  await gate.close()
})
beforeEach(() => {
  const serve = askFirst()
  gate.spy.answerWith((request, res) => {
    const { id } = JSON.parse(request.body) as { id: unknown }
    const answer = JSON.stringify({ jsonrpc: '2.0', id, ...serve(request) })
    res.writeHead(200, { 'content-type': 'application/json' }).end(answer)
  })
})

const call: Params = { name: 'delete', arguments: { file: 'a' } }
const inputResponses = { sure: { action: 'accept', content: {} } }

async function send(token: string, params: Params, name = 'delete'): Promise<Answer> {
  const { body, headers } = modernRequest('tools/call', params, randomUUID(), { elicitation: {} })
  return gate.post(body, { token, headers: { ...headers, 'mcp-name': name } })
}

async function stateFor(token: string): Promise<string> {
  const { json } = await send(token, call)
  assert.equal(json.result?.['resultType'], 'input_required')
  return String(json.result?.['requestState'])
}

/** What comes of a state that nobody ever made. */
async function toldOfUnknown(token: string): Promise<Answer['json']['error']> {
  const { json } = await send(token, { ...call, inputResponses, requestState: 'made.up' })
  assert.deepEqual(json.error, unknown)
  return json.error
}

describe('the state of a call that waits for input', () => {
  it('comes and goes as it is, and its owner ends the call with it', async () => {
    const requestState = await stateFor(alice)
    const { json } = await send(alice, { ...call, inputResponses, requestState })
    assert.deepEqual(json.result?.['content'], [{ type: 'text', text: 'done for alice' }])
    const { params } = JSON.parse(gate.spy.seen.at(-1)?.body ?? '') as { params: Params }
    assert.equal(params['requestState'], requestState)
    assert.deepEqual(params['inputResponses'], inputResponses)
  })

  it('of one user is to another one what an unknown one is, since the server hears who calls (A24, H5)', async () => {
    const requestState = await stateFor(alice)
    const foreign = await send(bob, { ...call, inputResponses, requestState })
    assert.deepEqual(foreign.json.error, await toldOfUnknown(bob))
    assert.equal((await send(alice, { ...call, inputResponses, requestState })).json.error, undefined)
  })

  it('is of no use changed, with other arguments, or a second time (A25)', async () => {
    const requestState = await stateFor(alice)
    const changed = [
      { requestState: `${requestState}A` },
      { requestState: requestState.toUpperCase() },
      { requestState, arguments: { file: 'b' } },
      { requestState: [requestState] },
      { requestState: '' },
    ]
    for (const other of changed) {
      const { json } = await send(alice, { ...call, inputResponses, ...other })
      assert.deepEqual(json.error, unknown, JSON.stringify(other))
    }
    assert.equal((await send(alice, { ...call, inputResponses, requestState })).json.error, undefined)
    const again = await send(alice, { ...call, inputResponses, requestState })
    assert.deepEqual(again.json.error, unknown)
  })

  it('opens nothing: a retry is authorized as the first call was, and the server hears nothing of a refused one (A25)', async () => {
    const requestState = await stateFor(alice)
    const seen = gate.spy.seen.length
    const params = { ...call, inputResponses, requestState }
    const withoutScope = await send(reader, params)
    assert.equal(withoutScope.status, 403)
    assert.match(String(withoutScope.headers.get('www-authenticate')), /insufficient_scope/)
    assert.equal((await send('', params)).status, 401)
    assert.equal((await send(`${alice}x`, params)).status, 401)
    assert.equal((await send(alice, params, 'list')).status, 400, 'header and body name two tools')
    assert.equal(gate.spy.seen.length, seen)
  })
})
