import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { parseLossless } from '../../src/mcp/lossless.ts'
import type { Step } from '../fixtures/scripted/answer.ts'
import {
  type ScriptedServer,
  startScriptedLegacy,
  startScriptedModern,
  startScriptedSse,
} from '../fixtures/scripted/server.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { tokenFor } from '../support/era-calls.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

type Json = Record<string, unknown>
type Era = 'legacy' | 'modern'

const stdio = (): string[] => [process.execPath, join(import.meta.dirname, '../fixtures/scripted/stdio.ts')]
const seeds = [1, 2, 3]

const numbers = ['0', '-0', '1.0', '1e2', '-1.50', '12345678901234567890', '9007199254740993', '0.1']
const texts = ['', 'é', '😀', '\u2028', '</script>', 'data: x\n\nid: 5\n', '"', 'x'.repeat(5000)]
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...numbers).map(parseLossless),
    fc.constantFrom(...texts, null, true),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'é', '', 'constructor', 'Method'), tie('value'), { maxKeys: 2 }),
  ),
}))

/** What a tool of a server may do. Only in the legacy era servers ask. */
const stepsOf = (era: Era): fc.Arbitrary<Step[]> => {
  const news = ['tools', 'prompts'].map((what) => `notifications/${what}/list_changed`)
  const log = fc.record({ level: fc.constantFrom('info', 'error'), data: value })
  const steps: fc.Arbitrary<Step>[] = [
    fc.record({ do: fc.constant('progress'), progress: fc.constantFrom(...numbers).map(parseLossless) }),
    fc.record({ do: fc.constant('wait'), milliseconds: fc.nat(20) }),
    fc.record({ do: fc.constant('grow'), characters: fc.constantFrom(1, 70_000, 400_000) }),
    fc.record({
      do: fc.constant('fail'),
      error: fc.record({ code: fc.constant(-32050), message: value, data: value }),
    }),
  ]
  if (era === 'legacy') {
    const method = fc.constantFrom('sampling/createMessage', 'roots/list', 'ping')
    steps.push(
      fc.record({ do: fc.constant('ask'), method, params: fc.record({ text: value }) }),
      fc.record({
        do: fc.constant('say'),
        method: fc.constant('notifications/message'),
        params: log,
        alone: fc.constant(false),
      }),
      fc.record({
        do: fc.constant('say'),
        method: fc.constantFrom(...news),
        params: fc.constant({}),
        alone: fc.constant(true),
      }),
    )
  }
  return fc.array(fc.oneof(...steps), { maxLength: 5 })
}

/** A request without its id; `leaves` says that its client gives it up. */
interface Asked {
  readonly method: string
  readonly params: Json
  readonly leaves: boolean
}

const askedIn = (era: Era): fc.Arbitrary<Asked> => {
  const leaves = fc.constant(false)
  const uri = fc.constantFrom('test:///a', 'x://y?z=%20&é=1#f', 'x://missing', ' x')
  const name = fc.constantFrom('run', 'Ünï 名前', 'a/b%2F?c=#d', '😀', 'toString')
  const marked = fc.option(fc.constantFrom('p', 'é', 0, 5), { nil: undefined })
  const call = fc
    .record({ name, steps: stepsOf(era), value, marked })
    .map(({ marked: progressToken, ...rest }) => ({
      name: rest.name,
      arguments: { steps: rest.steps, value: rest.value },
      ...(progressToken === undefined ? {} : { _meta: { progressToken } }),
    }))
  const given = {
    name: 'run',
    arguments: {
      steps: [
        { do: 'progress', progress: 1 },
        { do: 'wait', milliseconds: 20_000 },
      ],
    },
  }
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ method: fc.constant('tools/call'), params: call, leaves }) },
    fc.record({
      method: fc.constant('tools/list'),
      params: fc.constantFrom({}, { cursor: '2' }, { cursor: '4' }),
      leaves,
    }),
    fc.record({ method: fc.constant('resources/read'), params: fc.record({ uri }), leaves }),
    fc.record({
      method: fc.constant('prompts/get'),
      params: fc.record({ name, arguments: fc.record({ a: value }) }),
      leaves,
    }),
    fc.constant({
      method: 'tools/call',
      params: { ...given, _meta: { progressToken: 'left' } },
      leaves: true,
    }),
  )
}

/** Ids that clients have never chosen before, of every kind. */
const idAt = (index: number): unknown =>
  [
    index,
    String(index),
    `é😀 ${index}`,
    -index - 1,
    9007199254740000 + index,
    `${'x'.repeat(300)}${index}`,
    `\n"${index}`,
  ][index % 7]

/** Sends all requests, three of them at a time. */
async function play(client: RawClient, all: readonly Asked[], era: Era): Promise<void> {
  const one = async ({ leaves, ...call }: Asked, index: number): Promise<void> => {
    const id = idAt(index)
    const params = leaves ? { ...call.params, _meta: { progressToken: `left ${index}` } } : call.params
    const message = { jsonrpc: '2.0', id, ...call, params }
    if (!leaves) {
      await client.send(message)
      return until(
        () => client.answers.some((answer) => answer['id'] === id),
        `the answer to ${JSON.stringify(id)}`,
      )
    }
    const leave = new AbortController()
    const sent = client.send(message, leave.signal).catch(() => undefined)
    const begun = (told: Json): boolean => (told['params'] as Json)['progressToken'] === `left ${index}`
    await until(() => client.notifications.some(begun), 'it has begun')
    if (era === 'modern') leave.abort()
    else await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
    await sent
  }
  for (let at = 0; at < all.length; at += 3)
    await Promise.all(all.slice(at, at + 3).map((asked, index) => one(asked, at + index)))
}

const byId = (messages: readonly Json[]): Json[] =>
  messages.toSorted((a, b) => (JSON.stringify(a['id']) < JSON.stringify(b['id']) ? -1 : 1))
const sorted = (messages: readonly Json[]): string[] =>
  messages.map((message) => JSON.stringify(message)).toSorted()

/** What a gateway that exchanges single messages replaces on the way to the server, which sees it in `params`. */
const withoutToken = (message: Json): unknown =>
  parseLossless(JSON.stringify(message).replace(/"progressToken":(?:"[^"]*"|\d+)/g, '"progressToken":0'))

describe('what a client gets through the gate', { timeout: 120_000 }, () => {
  const suite = closeAfterTests()
  let direct: Readonly<Record<Era, ScriptedServer>>
  let gate: Installation
  before(async () => {
    const sse = await startScriptedSse()
    direct = { legacy: await startScriptedLegacy(), modern: await startScriptedModern() }
    const rules = { objects: { tools: { deny: ['no such tool'] } } }
    gate = await startInstallation({
      config: {
        upstreams: [
          {
            name: 'legacy',
            path: '/legacy/mcp',
            url: direct.legacy.url,
            era: 'legacy',
            transport: 'streamable-http',
          },
          {
            name: 'legacy-rules',
            path: '/legacy-rules/mcp',
            url: direct.legacy.url,
            era: 'legacy',
            transport: 'streamable-http',
            ...rules,
          },
          { name: 'sse', path: '/sse/mcp', url: sse.url, transport: 'sse' },
          { name: 'stdio', path: '/stdio/mcp', command: stdio(), era: 'legacy' },
          { name: 'modern', path: '/modern/mcp', url: direct.modern.url, era: 'modern' },
          { name: 'stdio-modern', path: '/stdio-modern/mcp', command: stdio(), era: 'modern' },
        ],
      },
    })
    for (const one of [gate, sse, direct.legacy, direct.modern]) suite.after(() => one.close())
  })

  for (const [name, era] of [
    ['legacy', 'legacy'],
    ['legacy-rules', 'legacy'],
    ['sse', 'legacy'],
    ['stdio', 'legacy'],
    ['modern', 'modern'],
    ['stdio-modern', 'modern'],
  ] as const) {
    it(`from a server behind ${name} is what it gets without a gate, whatever it does (O14)`, async () => {
      const url = `${gate.url}/${name}/mcp`
      for (const seed of seeds) {
        const all = fc.sample(askedIn(era), { seed, numRuns: 24 })
        const token = await tokenFor(url, `user${seed}`)
        const clients = [await openRawClient(direct[era].url, era), await openRawClient(url, era, token)]
        for (const client of clients) await play(client, all, era)
        const [without, through] = clients as [RawClient, RawClient]
        await until(() => through.notifications.length >= without.notifications.length, 'everything is told')
        for (const [index, answer] of byId(without.answers).entries()) {
          const other = byId(through.answers)[index] as Json
          assert.ok(
            isDeepStrictEqual(withoutToken(other), withoutToken(answer)),
            `seed ${seed}: ${JSON.stringify(other).slice(0, 3000)}`,
          )
        }
        assert.equal(through.answers.length, without.answers.length)
        assert.deepEqual(sorted(through.notifications), sorted(without.notifications), `seed ${seed}`)
        assert.deepEqual(sorted(through.questions), sorted(without.questions), `seed ${seed}`)
        for (const client of clients) client.close()
      }
    })
  }
})
