import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Refusal } from '../../src/core/errors.ts'
import { stdioProbe } from '../../src/upstream/probe/ask-stdio.ts'
import type { Speaks } from '../../src/upstream/probe/verdicts.ts'
import { callModern, post, tokenFor } from '../support/era-calls.ts'
import { fakeServer } from '../support/fake-channel.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort, startInstallation } from '../support/installation.ts'

/** A legacy server that does something of its own when it is asked what it does not know. */
const program = (onUnknown: string): string => `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    const say = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
    if (method === 'initialize') say({ protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } })
    else if (method === 'tools/list') say({ tools: [] })
    else if (id !== undefined) { ${onUnknown} }
  })`

describe('a stdio server that does not know the question what it speaks', () => {
  for (const [what, onUnknown, responseSeconds] of [
    ['says nothing', '', 4],
    ['ends', 'process.exit(1)', 30],
    ['answers with nonsense', 'say([1])', 30],
  ] as const) {
    it(`and ${what} is found out all the same, and called by clients of both eras`, {
      timeout: 60_000,
    }, async () => {
      const command = [process.execPath, '--eval', program(onUnknown)]
      const gate = await startInstallation({
        config: { upstreams: [{ name: 'old', command, responseSeconds }] },
      })
      const token = await tokenFor(gate.mcpUrl, 'ada')
      const modern = await callModern(gate.mcpUrl, token, 'tools/list')
      assert.equal(modern.messages[0]?.result?.['resultType'], 'complete')
      const legacy = await post(
        gate.mcpUrl,
        token,
        legacyRequest('initialize', { protocolVersion: '2024-11-05' }),
      )
      assert.equal(legacy.messages[0]?.result?.['protocolVersion'], '2024-11-05')
      assert.match(gate.log(), /asked for the modern era, the server says no/)
      await gate.close()
    })
  }
})

it('a stdio server that logs in JSON to its output is known for what it speaks, and its log answers no request', async (test) => {
  const log = (line: object): string => `console.log(${JSON.stringify(JSON.stringify(line))});`
  const request = { level: 30, method: 'GET', id: 1 }
  const fault = { level: 50, id: 2, error: { code: 'E' } }
  const said = [{ level: 30, msg: 'up' }, request, fault, { jsonrpc: '2.0' }, { id: 2 }]
  const command = [
    process.execPath,
    '--eval',
    said.map(log).join('') + program(said.map(log).join('') + 'say({ content: [] })'),
  ]
  const gate = await startInstallation({ config: { upstreams: [{ name: 'talkative', command }] } })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  for (let calls = 0; calls < 3; calls++) {
    const { messages } = await callModern(gate.mcpUrl, token, 'tools/call', { name: 'x' })
    assert.deepEqual(
      messages.map(({ result }) => result?.['content']),
      [[]],
      `call ${calls}`,
    )
  }
  assert.match(gate.log(), /asked for the legacy era, the server says yes/)
  assert.match(gate.log(), /talkative: \{\\"level\\":30,\\"msg\\":\\"up\\"\}/, 'the operator sees it')
})

it('a stdio server that complains of the question what it speaks, as those on the SDK for Python do, fills no log with it', async (test) => {
  const complain = `console.error('31 validation errors'); console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } }))`
  const quits = `console.error('no database'); process.exit(1)`
  const run = (script: string): string[] => [process.execPath, '--eval', script]
  const gate = await startInstallation({
    config: {
      upstreams: [
        { name: 'wordy', command: run(`console.error('is up'); ${program(complain)}`) },
        { name: 'down', path: '/down/mcp', command: run(quits) },
      ],
    },
  })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  assert.equal((await callModern(gate.mcpUrl, token, 'tools/list')).status, 200)
  assert.match(gate.log(), /wordy: is up/, 'what it says in the process for the client')
  assert.doesNotMatch(gate.log(), /validation errors/)
  const down = `${gate.url}/down/mcp`
  assert.equal((await callModern(down, await tokenFor(down, 'ada'), 'tools/list')).status, 502)
  assert.match(gate.log(), /down: no database/)
})

it('a stdio server that speaks both eras and ends at its first start, for want of something, is known for both later', async (test) => {
  const folder = await mkdtemp(join(tmpdir(), 'first-start-'))
  test.after(() => rm(folder, { recursive: true }))
  const wanted = join(folder, 'wanted')
  const opening = `{ supportedVersions: ['2026-07-28'], protocolVersion: '2025-11-25', capabilities: {} }`
  const bothEras = program('say({ content: [] })').replace(
    'const say',
    `if (method === 'server/discover') return console.log(JSON.stringify({ jsonrpc: '2.0', id, result: ${opening} }))
     const say`,
  )
  const missing = `require('node:fs').existsSync(${JSON.stringify(wanted)}) || process.exit(1);`
  const command = [process.execPath, '--eval', missing + bothEras]
  const gate = await startInstallation({ config: { upstreams: [{ name: 'early', command }] } })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  const call = () => callModern(gate.mcpUrl, token, 'tools/call', { name: 'x' })
  assert.equal((await call()).status, 502)
  await writeFile(wanted, '')
  assert.equal((await call()).status, 200)
  assert.match(gate.log(), /asked for the modern era, the server says yes/)
})

it('a stdio server that only one process can be at a time has ended when the process for another session starts', async (test) => {
  const command = [
    process.execPath,
    '--eval',
    `require('node:net').createServer().listen(${await freePort()}, '127.0.0.1'); ${program('')}`,
  ]
  const gate = await startInstallation({ config: { upstreams: [{ name: 'single', command }] } })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  const initialize = legacyRequest('initialize', { protocolVersion: '2024-11-05' })
  const { status, headers } = await post(gate.mcpUrl, token, initialize)
  assert.equal(status, 200, 'after one that was only asked what it speaks')
  const session = { authorization: `Bearer ${token}`, 'mcp-session-id': headers.get('mcp-session-id') ?? '' }
  const ended = await fetch(gate.mcpUrl, { method: 'DELETE', headers: session })
  assert.equal(ended.status, 200)
  assert.equal((await post(gate.mcpUrl, token, initialize)).status, 200, 'after a session that has ended')
})

describe('a stdio server that says nothing when it is asked, or ends', () => {
  const ask = async (ends: boolean, before: Speaks | undefined, modernOnly = false): Promise<Speaks> => {
    const server = fakeServer(() => {
      if (ends) setImmediate(() => server.events().onClosed(new Refusal('upstream_unreachable')))
    })
    const self = { name: 'gate', version: '1' }
    const probe = stdioProbe({ open: server.open, self, timeoutSeconds: 0.05, modernOnly })
    return probe.ask('modern', [], before)
  }

  it('is waited for once, where the question is one that every server answers', async () => {
    const { open } = fakeServer()
    const self = { name: 'gate', version: '1' }
    const probe = stdioProbe({ open, self, timeoutSeconds: 0.05, modernOnly: false })
    for (const before of [undefined, 'no', 'native'] as const)
      await assert.rejects(probe.ask('legacy', [], before), { code: 'upstream_timeout' }, before)
  })

  it('is taken for one of the older era only where it never spoke the newer one (A70)', async () => {
    for (const ends of [false, true]) {
      assert.equal(await ask(ends, undefined), 'no')
      assert.equal(await ask(ends, 'no'), 'no')
      await assert.rejects(ask(ends, 'native'), Refusal, 'it is slow, or down')
    }
  })

  it('is not called too old to be shared: it may be slow to start (A70, A71)', async () => {
    for (const ends of [false, true]) await assert.rejects(ask(ends, undefined, true), Refusal)
  })
})
