import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

interface Expected {
  readonly status: number
  readonly code: number
  readonly id?: unknown
}

async function refuses(
  body: unknown,
  expected: Expected,
  headers: Record<string, string> = {},
): Promise<void> {
  const earlier = gate.spy.seen.length
  const answer = await gate.post(body, { token, headers })
  assert.equal(answer.status, expected.status, answer.text)
  assert.equal(answer.json.error?.code, expected.code, answer.text)
  assert.equal(answer.json.id, expected.id)
  assert.equal(gate.spy.seen.length, earlier, 'the server was called')
}

describe('a body that is not JSON (A19)', () => {
  const bodies: [string, string | Uint8Array][] = [
    ['cut off', '{"jsonrpc":"2.0"'],
    ['with text after it', '{"jsonrpc":"2.0","id":1,"method":"ping"} {}'],
    ['with a BOM', '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}'],
    ['with a key twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'],
    [
      'with a key twice, once escaped',
      '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/call"}',
    ],
    ['with a name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}'],
    ['nested very deep', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['in UTF-16', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}', 'utf16le')],
    ['with a wrong byte', Buffer.from([0x22, 0xff, 0x22])],
    ['empty', ''],
  ]
  for (const [what, body] of bodies) it(what, () => refuses(body, { status: 400, code: -32700 }))
})

describe('a body in another encoding than UTF-8 (A19)', () => {
  it('is refused, since the server would read other messages in it than were authorized', async () => {
    const smuggled = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"+ACI-"}}'
    for (const charset of ['utf-7', 'utf-16le', 'iso-8859-1', '"utf-7"', 'utf-8; charset=utf-7']) {
      const headers = { 'content-type': `application/json; charset=${charset}` }
      await refuses(smuggled, { status: 415, code: 415 }, headers)
    }
  })

  it('may say that it is UTF-8, and the server is told what was read', async () => {
    for (const parameters of ['; charset=UTF-8', '; charset=utf8', ';charset="utf-8" ;', ';', ' ; ']) {
      const headers = { 'content-type': `application/json${parameters}` }
      const answer = await gate.post(legacyRequest('tools/list'), { token, headers })
      assert.equal(answer.status, 200, parameters)
      assert.equal(gate.spy.seen.at(-1)?.headers['content-type'], 'application/json')
    }
  })
})

describe('a body that is not JSON-RPC', () => {
  const bodies: [string, unknown, unknown?][] = [
    ['a text', '"tools/list"'],
    ['an array for the method', { jsonrpc: '2.0', id: 1, method: ['tools/call'] }, 1],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'ping' }],
    ['Method beside method', { jsonrpc: '2.0', id: 1, method: 'ping', Method: 'tools/call' }],
    ['method and result', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }, 1],
  ]
  for (const [what, body, id] of bodies) it(what, () => refuses(body, { status: 400, code: -32600, id }))
})

describe('an unknown method (A22)', () => {
  it('is 404 in the modern era', async () => {
    const { body, headers } = modernRequest('tools/delete')
    await refuses(body, { status: 404, code: -32601, id: 7 }, headers)
    const initialize = modernRequest('initialize')
    await refuses(initialize.body, { status: 404, code: -32601, id: 7 }, initialize.headers)
  })

  it('is an ordinary JSON-RPC error in the legacy era', async () => {
    await refuses(legacyRequest('tools/delete'), { status: 200, code: -32601, id: 7 })
    await refuses(legacyRequest('server/discover'), { status: 200, code: -32601, id: 7 })
  })

  it('is refused as a notification', () =>
    refuses({ jsonrpc: '2.0', method: 'notifications/unheard-of' }, { status: 400, code: -32601 }))
})

describe('header and body that disagree (A16, A17, A21)', () => {
  it('are refused, be it in version, method or name', async () => {
    const { body, headers } = modernRequest('tools/call', { name: 'delete' })
    for (const [name, value] of [
      ['mcp-protocol-version', '2025-11-25'],
      ['mcp-method', 'tools/list'],
      ['mcp-name', 'add'],
    ] as const) {
      await refuses(body, { status: 400, code: -32020, id: 7 }, { ...headers, [name]: value })
      const without = Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name))
      await refuses(body, { status: 400, code: -32020, id: 7 }, without)
    }
  })

  it('are refused with the name of the header (W6)', async () => {
    const { body, headers } = modernRequest('tools/call', { name: 'delete' })
    const answer = await gate.post(body, { token, headers: { ...headers, 'mcp-name': 'add' } })
    assert.equal(answer.json.error?.message, 'Header mismatch: Mcp-Name')
  })

  it('are refused also for a server of the legacy era, which would not look', async () => {
    await refuses(
      legacyRequest('tools/call', { name: 'delete' }),
      { status: 400, code: -32020, id: 7 },
      { 'mcp-method': 'tools/list' },
    )
  })

  it('are refused where one claims an era that the other does not', async () => {
    await refuses(
      legacyRequest('tools/list'),
      { status: 400, code: -32602, id: 7 },
      { 'mcp-protocol-version': '2026-07-28' },
    )
    await refuses(
      modernRequest('tools/list').body,
      { status: 400, code: -32020, id: 7 },
      { 'mcp-method': 'tools/list' },
    )
  })

  it('are refused where they name a revision that does not exist', async () => {
    const answer = await gate.post(legacyRequest('tools/list'), {
      token,
      headers: { 'mcp-protocol-version': '2027-13-99x' },
    })
    assert.equal(answer.status, 400)
    assert.equal(answer.json.error?.code, -32022)
    assert.match(JSON.stringify(answer.json.error?.data['supported']), /2026-07-28/)
  })

  it('are refused where a mirrored header comes twice (A18)', async () => {
    const { body } = modernRequest('ping')
    const text = JSON.stringify(body)
    const answer = await gate.raw(
      `POST /mcp HTTP/1.1\r\nHost: ${new URL(gate.installation.url).host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Mcp-Method: tools/list\r\nMcp-Method: tools/call\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    )
    assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.match(answer, /mcp-method/)
  })
})

describe('a name that is no text', () => {
  it('is none that a scope could name, and is not in the way of an answer', async () => {
    const reader = await gate.tokenFor('mcp:tools:read')
    const { status, json } = await gate.post(legacyRequest('tools/call', { name: 'a\ud800' }), {
      token: reader,
    })
    assert.deepEqual([status, json.error?.code], [403, 403])
  })
})

describe('batches (A20, O4)', () => {
  const ping = legacyRequest('ping', {}, 1)

  it('pass in 2025-03-26 when every element may', async () => {
    const answer = await gate.post([ping, { jsonrpc: '2.0', method: 'notifications/initialized' }], {
      token,
      headers: { 'mcp-protocol-version': '2025-03-26' },
    })
    assert.notEqual(answer.status, 400)
    assert.equal(
      gate.spy.seen.at(-1)?.body,
      JSON.stringify([ping, { jsonrpc: '2.0', method: 'notifications/initialized' }]),
    )
  })

  it('are refused whole when one element may not', async () => {
    const reader = await gate.tokenFor('mcp:tools:read')
    const earlier = gate.spy.seen.length
    const answer = await gate.post([ping, legacyRequest('tools/call', { name: 'a' }, 2)], { token: reader })
    assert.equal(answer.status, 403)
    assert.equal(gate.spy.seen.length, earlier)
  })

  for (const [what, body, headers] of [
    ['in a later revision', [ping], { 'mcp-protocol-version': '2025-06-18' }],
    ['without elements', [], {}],
    ['inside a batch', [[ping]], {}],
    ['with 51 elements', Array.from({ length: 51 }, () => ping), {}],
    ['with initialize', [legacyRequest('initialize', {}, 1)], {}],
    ['with an unknown method', [ping, legacyRequest('no/such', {}, 2)], {}],
    ['with a mirrored header', [ping], { 'mcp-method': 'ping' }],
    ['with a mirrored name', [ping], { 'mcp-name': 'a' }],
    [
      'with a notification of the modern era',
      [
        {
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
        },
      ],
      {},
    ],
  ] as [string, unknown, Record<string, string>][]) {
    it(`are refused ${what}`, async () => {
      const earlier = gate.spy.seen.length
      const { status } = await gate.post(body, { token, headers })
      assert.equal(status, 400)
      assert.equal(gate.spy.seen.length, earlier)
    })
  }

  it('are refused with a modern element', async () => {
    const { body } = modernRequest('tools/list')
    assert.equal((await gate.post([body], { token })).status, 400)
  })
})

describe('what is no message at all', () => {
  it('is 415 with another media type, or compressed', async () => {
    const body = JSON.stringify(legacyRequest('ping'))
    assert.equal((await gate.post(body, { token, headers: { 'content-type': 'text/plain' } })).status, 415)
    assert.equal(
      (await gate.post(body, { token, headers: { 'content-type': 'application/jsonx' } })).status,
      415,
    )
    assert.equal(
      (await gate.post(gzipSync(body), { token, headers: { 'content-encoding': 'gzip' } })).status,
      415,
    )
    const charset = { 'content-type': 'application/json; charset=utf-8' }
    assert.equal((await gate.post(body, { token, headers: charset })).status, 200)
  })

  it('is 405 for other verbs, and for streams that the modern era does not have', async () => {
    assert.equal((await gate.post('{}', { token, method: 'PUT' })).status, 405)
    const modern = { 'mcp-protocol-version': '2026-07-28' }
    assert.equal((await gate.post(undefined, { token, method: 'GET', headers: modern })).status, 405)
  })

  it('names no method as allowed that it refuses', async () => {
    const modern = { 'mcp-protocol-version': '2026-07-28' }
    for (const [method, headers, allowed] of [
      ['GET', modern, 'POST, DELETE, OPTIONS'],
      ['DELETE', modern, 'GET, POST, OPTIONS'],
      ['OPTIONS', {}, 'GET, POST, DELETE'],
      ['PUT', {}, 'GET, POST, DELETE, OPTIONS'],
    ] as const) {
      const answer = await gate.post('{}', { token, method, headers })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allowed], method)
    }
  })

  it('is 400 for a response in the modern era', async () => {
    const body = { jsonrpc: '2.0', id: 1, result: {} }
    const headers = { 'mcp-protocol-version': '2026-07-28' }
    await refuses(body, { status: 400, code: -32600 }, headers)
  })
})

describe('what is too large (A36)', () => {
  it('is 413 by its declared length, and by its real one', async () => {
    const large = JSON.stringify(
      legacyRequest('tools/call', { name: 'a', arguments: { text: 'x'.repeat(4_200_000) } }),
    )
    assert.equal((await gate.post(large, { token })).status, 413)
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const chunked = await gate.raw(
      `POST /mcp HTTP/1.1\r\nHost: ${new URL(gate.installation.url).host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(70)}0\r\n\r\n`,
    )
    assert.match(chunked, /^HTTP\/1\.1 413 /)
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200, 'the gateway lives on')
  })

  it('is 431 for headers', async () => {
    const answer = await gate.raw(
      `POST /mcp HTTP/1.1\r\nHost: x\r\nMcp-Param-A: ${'x'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 431 /)
  })
})
