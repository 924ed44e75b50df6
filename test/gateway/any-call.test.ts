import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { tokenFor } from '../support/era-calls.ts'
import { startInstallation } from '../support/installation.ts'
import { membersAt } from '../support/members.ts'
import { legacyScript, modernScript, startScripted } from '../support/scripted-upstream.ts'

const folder = await mkdtemp(join(tmpdir(), 'any-call-'))
after(() => rm(folder, { recursive: true }))

/** A gate before a server of which no tool named `secret` may be called, and all that the server has heard. */
interface Witnessed {
  readonly url: string
  heard(): Promise<readonly { text: string; name?: string | undefined }[]>
  close(): Promise<void>
}

const rules = { objects: { tools: { deny: ['secret'] } } }

async function overHttp(era: 'legacy' | 'modern'): Promise<Witnessed> {
  const script = era === 'legacy' ? legacyScript : { ...modernScript, 'tools/call': () => complete }
  const gate = await startScripted(script, { era, transport: 'streamable-http', ...rules })
  return {
    url: gate.url,
    heard: async () =>
      gate.spy.seen
        .filter(({ body }) => body !== '')
        .map(({ body, headers }) => ({ text: body, name: headers['mcp-name'] as string | undefined })),
    close: () => gate.close(),
  }
}

const complete = { resultType: 'complete', content: [] }

async function overStdio(era: 'legacy' | 'modern'): Promise<Witnessed> {
  const file = join(folder, era)
  const program = join(import.meta.dirname, '../fixtures/stdio-witness.ts')
  const upstream = { name: 'witness', command: [process.execPath, program, file, era], era, ...rules }
  const installation = await startInstallation({ config: { upstreams: [upstream] } })
  return {
    url: installation.mcpUrl,
    heard: async () =>
      (await readFile(file, 'utf8').catch(() => ''))
        .split('\n')
        .filter(Boolean)
        .map((text) => ({ text })),
    close: () => installation.close(),
  }
}

const modernMeta =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
const methods = fc.constantFrom(
  'tools/call',
  'tools/call',
  'tools/call',
  'tools\\/call',
  'tools/list',
  'prompts/get',
)
const names = fc.constantFrom('add', 'add', 'secret', 'sec\\u0072et', 'Secret', ' secret', 'add\\u0000secret')
const members = fc.oneof(
  names.map((name) => `"name":"${name}"`),
  fc.constantFrom(
    '"arguments":{"name":"secret","method":"prompts/get"}',
    '"arguments":{"n":12345678901234567890,"x":1e400}',
    '"n\\u0061me":"secret"',
    '"Name":"secret"',
    '"name":["secret"]',
    '"name":null',
    '"__proto__":{"name":"secret"}',
    '"uri":"secret"',
    '"task":{"ttl":1}',
  ),
)

interface Attempt {
  readonly body: string
  readonly headers: Record<string, string>
}

/** A call that is mostly right, in either era. */
const attempts: fc.Arbitrary<Attempt> = fc
  .record({
    method: methods,
    name: names,
    more: fc.array(members, { maxLength: 2 }),
    order: fc.boolean(),
    space: fc.constantFrom('', ' ', '\n'),
    isModern: fc.boolean(),
    head: fc.record({
      method: fc.constantFrom('', '', '', 'tools/list'),
      name: fc.constantFrom('', '', '', 'add'),
    }),
    around: fc.constantFrom(
      '',
      '',
      '',
      '',
      '',
      '',
      ',"method":"tools/list"',
      ',"Method":"tools/list"',
      ',"params":{"name":"add"}',
    ),
  })
  .map(({ method, name, more, order, space, isModern, head, around }) => {
    const own = [`"name":"${name}"`, ...more, ...(isModern ? [modernMeta] : [])]
    const params = (order ? own : own.toReversed()).join(`,${space}`)
    const body = `{"jsonrpc":"2.0",${space}"id":7,"method":"${method}","params":{${params}}${around}}`
    const read = (text: string): string => JSON.parse(`"${text}"`) as string
    const spoken = /^[\x20-\x7e]*$/.test(read(name)) ? read(name).trim() : 'add'
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': head.method || read(method),
      ...(method.includes('call') || method.includes('get') ? { 'mcp-name': head.name || spoken } : {}),
    }
    return { body, headers: isModern ? headers : {} }
  })

/** What the token is for, and what the gateway says for itself. */
const allowed = new Set([
  'tools/call',
  'tools/list',
  'initialize',
  'server/discover',
  'ping',
  'notifications/initialized',
  'notifications/cancelled',
])

describe('a call in any words', () => {
  for (const [kind, start] of [
    ['a legacy server', () => overHttp('legacy')],
    ['a modern server', () => overHttp('modern')],
    ['a legacy stdio server', () => overStdio('legacy')],
    ['a modern stdio server', () => overStdio('modern')],
  ] as const) {
    it(`is refused, or is to ${kind} what was authorized (A19, A27)`, { timeout: 120_000 }, async () => {
      const gate = await start()
      try {
        const token = await tokenFor(gate.url, 'ada', 'mcp:tools')
        await fc.assert(
          fc.asyncProperty(attempts, async ({ body, headers }) => {
            const response = await fetch(gate.url, {
              method: 'POST',
              headers: {
                'content-type': 'application/json',
                accept: 'application/json, text/event-stream',
                authorization: `Bearer ${token}`,
                ...headers,
              },
              body,
            })
            await response.text()
          }),
          { numRuns: 1500 },
        )
        const heard = await gate.heard()
        for (const { text, name } of heard) checkHeard(text, name)
        const calls = heard.filter(({ text }) => text.includes('call'))
        assert.ok(calls.length > 20, `${calls.length} calls were let pass: enough to say something`)
      } finally {
        await gate.close()
      }
    })
  }
})

/** No parser can find in it what was not allowed. */
function checkHeard(text: string, nameInHead: string | undefined): void {
  const outermost = membersAt(text)
  const named = outermost.filter(({ key }) => String(key).toLowerCase() === 'method')
  assert.equal(named.length, 1, text)
  const method = JSON.parse(named[0]?.value ?? '') as string
  assert.ok(allowed.has(method), text)
  assert.equal(outermost.filter(({ key }) => String(key).toLowerCase() === 'params').length <= 1, true, text)
  if (method !== 'tools/call') return
  const tools = membersAt(text, ['params']).filter(({ key }) => String(key).toLowerCase() === 'name')
  assert.equal(tools.length, 1, text)
  const tool = JSON.parse(tools[0]?.value ?? '') as unknown
  assert.equal(typeof tool, 'string', text)
  assert.notEqual(tool, 'secret', text)
  if (nameInHead !== undefined) assert.equal(nameInHead, tool, text)
}
