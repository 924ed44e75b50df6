import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { countingListener } from '../support/counting-listener.ts'
import {
  type GatedSpy,
  legacyRequest,
  modernRequest,
  requestOf,
  startGatedSpy,
} from '../support/gated-spy.ts'

const tools = ['read_file', 'write_file', 'delete_file'].map((name) => ({ name, inputSchema: { big: 0 } }))
const results = {
  'tools/list': { tools },
  'prompts/list': { prompts: [{ name: 'greet' }, { name: 'secret' }, {}] },
  'resources/list': { resources: [{ uri: 'file:///srv/a' }, { uri: 'file:///etc/a' }] },
  'resources/templates/list': {
    resourceTemplates: [{ uriTemplate: 'file:///srv/{a}' }, { uriTemplate: 'file:///etc/{a}' }],
  },
}
type ListMethod = keyof typeof results

const objects = {
  tools: { deny: ['delete_*'] },
  prompts: { allow: ['greet'] },
  resources: { allow: ['file:///srv/*'] },
}

/** What is left of each list under these rules. */
const left: Record<ListMethod, unknown[]> = {
  'tools/list': tools.slice(0, 2),
  'prompts/list': [{ name: 'greet' }],
  'resources/list': [{ uri: 'file:///srv/a' }],
  'resources/templates/list': [{ uriTemplate: 'file:///srv/{a}' }],
}

let gate: GatedSpy
let strict: GatedSpy
let marked: GatedSpy
before(async () => {
  gate = await startGatedSpy({}, undefined, { objects })
  strict = await startGatedSpy({}, undefined, { listing: 'callable' })
  marked = await startGatedSpy({}, undefined, { objects, listing: 'marked' })
})
after(async () => {
  await gate.close()
  await strict.close()
  await marked.close()
})

const listOf = (result: unknown): unknown => Object.values(result as object).find(Array.isArray)
const dataOf = (text: string): { result: Record<string, unknown> }[] =>
  [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? '') as never)

/** Lets the server answer with its lists, and with more of the result where that is said. */
function answerLists(
  { spy }: GatedSpy,
  send: (message: string, res: ServerResponse) => void = (message, res) =>
    res.writeHead(200, { 'content-type': 'application/json' }).end(message),
  more: object = {},
): void {
  spy.answerWith(({ body }, res) => {
    const { id, method } = JSON.parse(body) as { id: unknown; method: ListMethod }
    send(JSON.stringify({ jsonrpc: '2.0', id, result: { ...results[method], ...more } }), res)
  })
}

describe('lists of a server with rules (A26)', () => {
  for (const method of Object.keys(results) as ListMethod[]) {
    for (const era of ['legacy', 'modern'] as const) {
      it(`show of ${method} what may be used, ${era}`, async () => {
        answerLists(gate)
        const { body, headers } = requestOf(era, method)
        const { json } = await gate.post(body, { token: await gate.tokenFor('mcp:*'), headers })
        assert.deepEqual(listOf(json.result), left[method])
      })
    }
  }

  it('are private to their caller, and keep everything else of the answer', async () => {
    const more = { cacheScope: 'public', ttlMs: 5, nextCursor: 'n', _meta: { a: 1 } }
    answerLists(gate, undefined, more)
    const token = await gate.tokenFor('mcp:*')
    const { json } = await gate.post(legacyRequest('tools/list'), { token })
    assert.deepEqual(json.result, { tools: left['tools/list'], ...more, cacheScope: 'private' })
  })

  it('are private also where a modern server says nothing of caches (O18)', async () => {
    answerLists(gate)
    const { body, headers } = modernRequest('tools/list')
    const { json } = await gate.post(body, { token: await gate.tokenFor('mcp:*'), headers })
    assert.equal(json.result?.['cacheScope'], 'private')
  })

  it('lose no number that JavaScript would round', async () => {
    answerLists(gate, (message, res) =>
      res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(message.replaceAll('"big":0', '"big":12345678901234567890')),
    )
    const { text } = await gate.post(legacyRequest('tools/list'), { token: await gate.tokenFor('mcp:*') })
    assert.equal(text.match(/12345678901234567890/g)?.length, 2)
    assert.ok(!text.includes('delete_file'))
  })

  it('are cut down in an event stream, however it is cut into chunks, and in the stream of a session', async () => {
    const event = (message: string): string => `event: message\nid: 1\ndata: ${message}\n\n`
    const others = 'id: 0\ndata:\n\nretry: 50\n\nevent: ping\ndata: delete_file\n\n'
    answerLists(gate, (message, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const text =
        others + event('{"jsonrpc":"2.0","method":"notifications/message","params":{}}') + event(message)
      for (let at = 0; at < text.length; at += 7) res.write(text.slice(at, at + 7))
      res.end()
    })
    const token = await gate.tokenFor('mcp:*')
    const { text } = await gate.post(legacyRequest('tools/list'), { token })
    const [note, answer] = dataOf(text) as [object, { result: object }]
    assert.ok('method' in note)
    assert.deepEqual(listOf(answer.result), left['tools/list'])
    assert.equal(text.match(/^id: 1$/gm)?.length, 2)
    assert.ok(text.includes('id: 0\ndata: \n\n') && text.includes('\nretry: 50\n\n'))
    assert.ok(!text.includes('delete_file'))

    gate.spy.answerWith((_request, res) => {
      const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(message))
    })
    const resumed = await gate.post('', { token, method: 'GET', headers: { 'last-event-id': '0' } })
    assert.deepEqual(listOf(dataOf(resumed.text)[0]?.result), left['tools/list'])
  })

  it('are cut down within a batch', async () => {
    gate.spy.answerWith((_request, res) => {
      const answers = [1, 2].map((id) => ({ jsonrpc: '2.0', id, result: { tools } }))
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers))
    })
    const batch = [legacyRequest('tools/list', {}, 1), legacyRequest('tools/list', {}, 2)]
    const { text } = await gate.post(batch, {
      token: await gate.tokenFor('mcp:*'),
      headers: { 'mcp-protocol-version': '2025-03-26' },
    })
    for (const { result } of JSON.parse(text) as { result: object }[])
      assert.deepEqual(listOf(result), left['tools/list'])
  })

  it('may hold schemas that refer elsewhere, which nobody follows (A74)', async (test) => {
    const listener = await countingListener()
    test.after(() => listener.close())
    const $ref = `http://127.0.0.1:${listener.port}/schema`
    const nested = (depth: number): object =>
      Array.from({ length: depth }).reduce<object>((inner) => ({ allOf: [inner] }), { $ref })
    const token = await gate.tokenFor('mcp:*')
    const ask = () => gate.post(legacyRequest('tools/list'), { token })
    for (const inputSchema of [{ $ref }, nested(200)]) {
      answerLists(gate, undefined, { tools: [{ name: 'read_file', inputSchema }] })
      const { json } = await ask()
      assert.equal(
        JSON.stringify(json.result),
        JSON.stringify({ tools: [{ name: 'read_file', inputSchema }] }),
      )
    }
    const endless = `${'{"allOf":['.repeat(100_000)}{}${']}'.repeat(100_000)}`
    answerLists(gate, (message, res) =>
      res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(message.replace('"big":0', `"deep":${endless}`)),
    )
    assert.equal((await ask()).json.error?.data['code'], 'upstream_invalid')
    answerLists(gate)
    assert.equal((await ask()).status, 200, 'and harms nobody else')
    assert.equal(listener.connections(), 0)
  })

  it('do not pass where they cannot be read: compressed, no JSON, or none of a list', async () => {
    const token = await gate.tokenFor('mcp:*')
    const ask = () => gate.post(legacyRequest('tools/list'), { token })
    gate.spy.answerWith((_request, res) =>
      res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'br' }).end('delete_file'),
    )
    const compressed = await ask()
    assert.deepEqual([compressed.status, compressed.json.error?.data['code']], [502, 'upstream_invalid'])
    for (const body of ['{"result":{"tools":[{"name":"delete_file"}', '\uFEFF{}x delete_file']) {
      gate.spy.answerWith((_request, res) =>
        res.writeHead(200, { 'content-type': 'application/json' }).end(body),
      )
      assert.equal((await ask()).json.error?.data['code'], 'upstream_invalid')
      const told = (await gate.installation.audit()).at(-1)
      assert.deepEqual(
        [told?.code, told?.reason],
        ['upstream_invalid', 'the answer cannot be read: SyntaxError'],
      )
    }
    answerLists(gate, undefined, { tools: { name: 'delete_file' } })
    assert.deepEqual((await ask()).json.result, { tools: [] })
  })
})

describe('what lists hide', () => {
  const used: [string, Record<string, unknown>][] = [
    ['tools/call', { name: 'delete_file', arguments: {} }],
    ['prompts/get', { name: 'secret' }],
    ['resources/read', { uri: 'file:///etc/a' }],
    ['resources/read', { uri: 'file:///srv/%2e%2e/etc/a' }],
    ['tools/call', { name: ['delete_file'], arguments: {} }],
    ['resources/read', { uri: ['file:///etc/a'] }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: ['secret'] }, argument: {} }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'secret' }, argument: {} }],
    ['completion/complete', { ref: { type: 'ref/resource', uri: 'file:///etc/{a}' }, argument: {} }],
  ]
  for (const [method, params] of used) {
    it(`cannot be used by ${method} of ${JSON.stringify(params).slice(0, 60)} (A23, A26, A27)`, async () => {
      const seen = gate.spy.seen.length
      const token = await gate.tokenFor('mcp:*')
      for (const era of ['legacy', 'modern'] as const) {
        const request = requestOf(era, method, params)
        const { status, headers, json } = await gate.post(request.body, { token, headers: request.headers })
        if (Object.values(params).some(Array.isArray) && status === 400) continue // no name fits into its header
        assert.deepEqual([status, json.error?.data['code']], [403, 'object_denied'])
        assert.equal(headers.get('www-authenticate'), null, 'no consent would help')
      }
      assert.equal(gate.spy.seen.length, seen)
    })
  }

  it('cannot be subscribed to, not even among others (A23)', async () => {
    const token = await gate.tokenFor('mcp:*')
    const resourceSubscriptions = ['file:///srv/a', 'file:///etc/a']
    const { body, headers } = modernRequest('subscriptions/listen', {
      notifications: { resourceSubscriptions },
    })
    assert.equal((await gate.post(body, { token, headers })).json.error?.data['code'], 'object_denied')
    const legacy = legacyRequest('resources/subscribe', { uri: 'file:///etc/a' })
    assert.equal((await gate.post(legacy, { token })).json.error?.data['code'], 'object_denied')
  })

  it('cannot be used within a batch (A20)', async () => {
    const batch = ['read_file', 'delete_file'].map((name, id) => legacyRequest('tools/call', { name }, id))
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    const { json } = await gate.post(batch, { token: await gate.tokenFor('mcp:*'), headers })
    assert.equal(json.error?.data['code'], 'object_denied')
  })
})

describe('lists of what the token allows to use now', () => {
  it('show each caller their own (A26)', async () => {
    answerLists(strict)
    for (const [scope, names] of [
      ['mcp:tools:read', []],
      ['mcp:tools:read mcp:tools:execute:read_file', ['read_file']],
      ['mcp:tools:read mcp:tools:execute', ['read_file', 'write_file', 'delete_file']],
    ] as const) {
      const { json } = await strict.post(legacyRequest('tools/list'), { token: await strict.tokenFor(scope) })
      const shown = ((json.result ?? {})['tools'] as { name: string }[]).map(({ name }) => name)
      assert.deepEqual(shown, names, scope)
      for (const { name } of tools) {
        const call = legacyRequest('tools/call', { name, arguments: {} })
        strict.spy.answerWith(({ body }, res) => {
          const { id } = JSON.parse(body) as { id: unknown }
          const message = JSON.stringify({ jsonrpc: '2.0', id, result: {} })
          res.writeHead(200, { 'content-type': 'application/json' }).end(message)
        })
        const { status } = await strict.post(call, { token: await strict.tokenFor(scope) })
        assert.equal(status, shown.includes(name) ? 200 : 403, `${name} with ${scope}`)
      }
      answerLists(strict)
    }
  })
})

describe('lists that mark what needs more', () => {
  const missing = 'portcullis/missingScopes'

  it('name the scopes that a call is then challenged for, and hide what never can be called (N28)', async () => {
    for (const era of ['legacy', 'modern'] as const) {
      const token = await marked.tokenFor('mcp:tools:read mcp:tools:execute:read_file')
      answerLists(marked)
      const { body, headers } = requestOf(era, 'tools/list')
      const { json } = await marked.post(body, { token, headers })
      const [read, write] = tools
      assert.deepEqual(
        (json.result ?? {})['tools'],
        [read, { ...write, _meta: { [missing]: ['mcp:tools:execute'] } }],
        era,
      )
    }
    for (const [name, status] of [
      ['read_file', 200],
      ['write_file', 403],
    ] as const) {
      const token = await marked.tokenFor('mcp:tools:read mcp:tools:execute:read_file')
      const answer = await marked.post(legacyRequest('tools/call', { name, arguments: {} }), { token })
      assert.equal(answer.status, status)
      const challenge = answer.headers.get('www-authenticate') ?? ''
      assert.equal(/scope="[^"]*mcp:tools:execute[ "]/.test(challenge), status === 403, challenge)
    }
  })

  it('mark each kind by what its use needs, keep what else the server says of it, and let it say nothing in our name', async () => {
    const forged = [missing, 'other']
    const meta = Object.fromEntries(forged.map((key) => [key, ['x']]))
    for (const [method, item, scope, use] of [
      ['prompts/list', { name: 'greet' }, 'mcp:prompts:list', 'mcp:prompts:read'],
      ['resources/list', { uri: 'file:///srv/a' }, 'mcp:resources:list', 'mcp:resources:read'],
      [
        'resources/templates/list',
        { uriTemplate: 'file:///srv/{a}' },
        'mcp:resources:list',
        'mcp:resources:read',
      ],
    ] as const) {
      const member = Object.keys(results[method])[0] as string
      answerLists(marked, undefined, { [member]: [{ ...item, _meta: meta }] })
      for (const [granted, shown] of [
        [scope, { other: ['x'], [missing]: [use] }],
        [`${scope} ${use}`, { other: ['x'] }],
      ] as const) {
        const { json } = await marked.post(legacyRequest(method), { token: await marked.tokenFor(granted) })
        assert.deepEqual(listOf(json.result), [{ ...item, _meta: shown }], `${method} with ${granted}`)
      }
    }
  })
})
