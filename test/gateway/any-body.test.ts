import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'
import { membersAt } from '../support/members.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:tools:read')
})
after(() => gate.close())

/** What the token is for, in the legacy era: everything else must never arrive. */
const allowed = new Set([
  'initialize',
  'ping',
  'tools/list',
  'logging/setLevel',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
])

const methods = fc.constantFrom(
  'tools/list',
  'tools/call',
  'ping',
  'resources/read',
  'tools\\u002fcall',
  'Tools/Call',
  'tools/call ',
  'prompts/get',
)
const pieces = fc.constantFrom(
  '"jsonrpc":"2.0"',
  '"id":1',
  '"id":null',
  '"params":{"name":"add","arguments":{}}',
  '"params":{"name":"add","name":"sub"}',
  '"params":[]',
  '"result":{}',
  '"\\u006dethod":"tools/call"',
  '"METHOD":"tools/call"',
  '"method":["tools/call"]',
  '"x":NaN',
  '"x":1e999',
  '"__proto__":{"method":"tools/call"}',
)
const member = fc.oneof(
  pieces,
  methods.map((method) => `"method":"${method}"`),
)
const object = fc
  .array(member, { minLength: 1, maxLength: 6 })
  .map((members) => `{"jsonrpc":"2.0","id":7,${members.join(',')}}`)
/** Right as a whole, however it is written: some of these arrive. */
const right = fc
  .tuple(
    fc.shuffledSubarray(
      ['"jsonrpc":"2.0"', '"id":"a"', '"method":"tools/list"', '"params":{"_meta":{"a":[1,{"method":"x"}]}}'],
      { minLength: 3 },
    ),
    fc.constantFrom('', ' ', '\n\t'),
    fc.boolean(),
  )
  .map(([members, space, escaped]) => {
    const written = `{${space}${members.join(`${space},${space}`)}}`
    return escaped ? written.replace('tools/list', '\\u0074ools\\/list') : written
  })
const text = fc.oneof(
  right,
  right,
  object,
  methods.map((method) => `{"jsonrpc":"2.0","id":7,"method":"${method}"}`),
  fc.array(object, { maxLength: 3 }).map((objects) => `[${objects.join(',')}]`),
  fc.json(),
)
/** A text with one thing about its bytes changed. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  fc
    .tuple(
      text,
      fc.constantFrom(
        (body: string) => Buffer.from(body),
        (body: string) => Buffer.from(`\uFEFF${body}`),
        (body: string) => Buffer.from(body, 'utf16le'),
        (body: string) => Buffer.from(`${body}\n${body}`),
        (body: string) => Buffer.from(` \t\r\n${body}\r\n`),
        (body: string) => Buffer.from(body.replace('{', '{/* */')),
        (body: string) => Buffer.from(body.replace(/\}$/, ',}')),
        (body: string) => Buffer.from(body.replaceAll('"', "'")),
        (body: string) => Buffer.from(body.slice(0, -1)),
      ),
    )
    .map(([body, change]) => change(body)),
  fc.tuple(text, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([body, place, value]) => {
    const changed = Buffer.from(body)
    if (changed.length > 0) changed[place % changed.length] = value
    return changed
  }),
)

describe('any bytes as a body', () => {
  it('are refused, or are to the server exactly what was authorized (A19)', {
    timeout: 120_000,
  }, async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const earlier = gate.spy.seen.length
        const { status } = await gate.post(body, { token })
        const [seen, ...others] = gate.spy.seen.slice(earlier)
        assert.equal(others.length, 0)
        if (seen === undefined) return assert.notEqual(status, 202)
        passed++
        assert.equal(seen.body, body.toString(), 'the bytes that were read')
        const message = JSON.parse(seen.body) as { method?: unknown }
        const named = membersAt(seen.body).filter(({ key }) => String(key).toLowerCase() === 'method')
        if (named.length === 0) return assert.equal(message.method, undefined)
        assert.equal(named.length, 1, 'no parser can find another method')
        assert.deepEqual([JSON.parse(named[0]?.value ?? ''), named[0]?.key], [message.method, 'method'])
        assert.ok(allowed.has(String(message.method)), `${String(message.method)} is not for this token`)
      }),
      { numRuns: 2000 },
    )
    assert.ok(passed > 20, `${passed} bodies were let pass: enough to say something`)
  })
})
