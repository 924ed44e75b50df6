import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { explain } from '../../src/compose/explain/explain.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import {
  type Answer,
  type GatedSpy,
  legacyRequest,
  modernRequest,
  requestOf,
  startGatedSpy,
} from '../support/gated-spy.ts'
import { policyFile } from '../support/policies.ts'

const policies = [
  policyFile(`
    @id("editors")
    permit(principal in Role::"editor", action, resource in Server::"spy");
    @id("readers")
    permit(principal, action == Action::"tools/call", resource) when { resource.name like "read_*" };
    @id("public")
    permit(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///srv/*" };
    @id("greetings")
    permit(principal, action == Action::"prompts/get", resource == Prompt::"spy/greet")
    when { context.arguments.language == "en" };
    @id("payments")
    permit(principal, action == Action::"tools/call", resource == Tool::"spy/pay")
    when { context.arguments.amount <= 100 };
  `),
  policyFile(
    '@id("etc") forbid(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///etc/*" };',
  ),
]
const roles = { editor: { users: ['editor'] } }

const lists = {
  'tools/list': { tools: ['read_file', 'write_file', 'pay'].map((name) => ({ name, inputSchema: {} })) },
  'prompts/list': { prompts: [{ name: 'greet' }, { name: 'secret' }] },
  'resources/list': { resources: [{ uri: 'file:///srv/a' }, { uri: 'file:///etc/a' }, { uri: 'db:///a' }] },
  'resources/templates/list': {
    resourceTemplates: [{ uriTemplate: 'file:///srv/{a}' }, { uriTemplate: 'db:///{a}' }],
  },
} as const

let gate: GatedSpy
/** Tokens with every scope. */
let editor: string
let other: string
before(async () => {
  gate = await startGatedSpy({ policies, roles, log: { format: 'text' } })
  editor = await gate.tokenFor('mcp:*', 'editor')
  other = await gate.tokenFor('mcp:*', 'other')
})
after(() => gate.close())

const codeOf = ({ json }: Answer): unknown => json.error?.data['code']
const namesOf = (result: object): unknown[] =>
  Object.values(result)
    .filter(Array.isArray)
    .flat()
    .map((item: Record<string, unknown>) => item['name'] ?? item['uri'] ?? item['uriTemplate'])

function answerLists(): void {
  gate.spy.answerWith(({ body }, res) => {
    const { id, method } = JSON.parse(body) as { id: unknown; method: keyof typeof lists }
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: lists[method] ?? {} }))
  })
}

describe('policies at the gate', () => {
  for (const era of ['legacy', 'modern'] as const) {
    it(`show in lists what may be used, and let use what lists show, ${era} (A26, N28)`, async () => {
      answerLists()
      const uses = {
        'tools/list': (name: string) => ['tools/call', { name, arguments: { amount: 100 } }],
        'prompts/list': (name: string) => ['prompts/get', { name, arguments: { language: 'en' } }],
        'resources/list': (uri: string) => ['resources/read', { uri }],
      } as const
      const expected = {
        editor: ['read_file', 'write_file', 'pay', 'greet', 'secret', 'file:///srv/a', 'db:///a'],
        other: ['read_file', 'pay', 'greet', 'file:///srv/a'],
      }
      for (const [who, token] of Object.entries({ editor, other })) {
        const shown: unknown[] = []
        const usable: unknown[] = []
        for (const [method, useOf] of Object.entries(uses)) {
          const list = requestOf(era, method)
          const answer = await gate.post(list.body, { token, headers: list.headers })
          shown.push(...namesOf(answer.json.result ?? {}))
          assert.equal(answer.json.result?.['cacheScope'], era === 'modern' ? 'private' : undefined)
          for (const name of namesOf(lists[method as keyof typeof lists]) as string[]) {
            const use = requestOf(era, ...(useOf(name) as unknown as [string, Record<string, unknown>]))
            const used = await gate.post(use.body, { token, headers: use.headers })
            if (used.status === 200) usable.push(name)
            else assert.deepEqual([used.status, codeOf(used)], [403, 'policy_denied'])
          }
        }
        assert.deepEqual(shown, expected[who as keyof typeof expected])
        assert.deepEqual(usable, shown)
      }
    })
  }

  it('decide by arguments, and by nothing that only looks like them', async () => {
    answerLists()
    const pay = async (params: object): Promise<unknown> =>
      codeOf(await gate.post(legacyRequest('tools/call', { name: 'pay', ...params }), { token: other }))
    assert.equal(await pay({ arguments: { amount: 100 } }), undefined)
    for (const params of [
      { arguments: { amount: 101 } },
      { arguments: { amount: '100' } },
      { arguments: {} },
      {},
      { arguments: null },
      { arguments: [{ amount: 1 }] },
      { amount: 1, _meta: { arguments: { amount: 1 } } },
    ])
      assert.equal(await pay(params), 'policy_denied', JSON.stringify(params))
    const twice =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":{"amount":1,"amount":101}}}'
    assert.equal(codeOf(await gate.post(twice, { token: other })), 'json_invalid')
    const sent = gate.spy.seen.at(-1)?.body
    assert.equal(
      sent,
      JSON.stringify(legacyRequest('tools/call', { name: 'pay', arguments: { amount: 100 } })),
    )
  })

  it('refuse before scopes are asked for, and ask for none (N27)', async () => {
    const token = await gate.tokenFor('mcp:tools:read', 'reader')
    const call = (name: string): Promise<Answer> =>
      gate.post(legacyRequest('tools/call', { name, arguments: {} }), { token })
    const denied = await call('write_file')
    assert.deepEqual([denied.status, codeOf(denied)], [403, 'policy_denied'])
    assert.equal(denied.headers.get('www-authenticate'), null, 'no consent would help')
    assert.doesNotMatch(denied.text, /editors|readers|Role/, 'a client is not told what the policies are')
    const lacking = await call('read_file')
    assert.deepEqual([lacking.status, codeOf(lacking)], [403, 'scope_insufficient'])
  })

  it('cover whatever names an object: completions, subscriptions, batches (A20, A23)', async () => {
    answerLists()
    const tried = async (
      method: string,
      params: Record<string, unknown>,
      token = other,
    ): Promise<unknown> => {
      const { body, headers } = modernRequest(method, params)
      return codeOf(await gate.post(body, { token, headers }))
    }
    const complete = (name: string): Record<string, unknown> => {
      return { ref: { type: 'ref/prompt', name }, argument: { name: 'language', value: '' } }
    }
    assert.equal(await tried('completion/complete', complete('greet')), undefined)
    assert.equal(await tried('completion/complete', complete('secret')), 'policy_denied')
    const listen = (...uris: string[]): Record<string, unknown> => ({
      notifications: { resourceSubscriptions: uris },
    })
    assert.equal(await tried('subscriptions/listen', listen('file:///srv/a', 'db:///a')), 'policy_denied')
    assert.equal(await tried('subscriptions/listen', listen('file:///etc/a'), editor), 'policy_denied')
    const batch = ['read_file', 'write_file'].map((name, id) => legacyRequest('tools/call', { name }, id))
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    assert.equal(codeOf(await gate.post(batch, { token: other, headers })), 'policy_denied')
    assert.equal(codeOf(await gate.post(batch, { token: editor, headers })), undefined)
  })

  it('are named in the log and the audit where they refuse, with what they lacked', async () => {
    const eventOf = async (answer: Answer) =>
      (await gate.installation.audit()).find(
        ({ requestId }) => requestId === answer.headers.get('x-request-id'),
      )
    const forbidden = await gate.post(legacyRequest('resources/read', { uri: 'file:///etc/a' }), {
      token: editor,
    })
    const event = await eventOf(forbidden)
    assert.deepEqual(
      [event?.outcome, event?.code, event?.reason, event?.object],
      ['denied', 'policy_denied', 'forbidden by etc', 'file:///etc/a'],
    )
    const unpermitted = await gate.post(legacyRequest('tools/call', { name: 'pay', arguments: {} }), {
      token: other,
    })
    assert.equal((await eventOf(unpermitted))?.reason, 'no policy permits it')
    assert.match(
      gate.installation.log(),
      /policy_denied: no policy permits it: payments cannot be evaluated: .*amount/,
    )
    assert.match(gate.installation.log(), /policy_denied: forbidden by etc/)
  })

  it('tell those of a change alone who could see it', async () => {
    gate.spy.answerWith((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const uri of ['file:///srv/a', 'db:///a'])
        res.write(
          `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })}\n\n`,
        )
      res.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 7, result: {} })}\n\n`)
    })
    const heard = async (token: string): Promise<string[]> => {
      const { text } = await gate.post(legacyRequest('tools/call', { name: 'read_file', arguments: {} }), {
        token,
      })
      return [...text.matchAll(/"uri":"([^"]*)"/g)].map(([, uri = '']) => uri)
    }
    assert.deepEqual(await heard(editor), ['file:///srv/a', 'db:///a'])
    assert.deepEqual(await heard(other), ['file:///srv/a'])
  })

  it('are explained with the same words, and with what the caller lacks (N29)', async () => {
    const { url } = gate.spy
    const upstreams = [{ name: 'spy', path: '/mcp', url, era: 'both' } as const]
    const config = loadConfig({ base: { upstreams, policies, roles, publicUrl: gate.installation.url } })
    const explained = async (token: string, method: string, params: Record<string, unknown>) =>
      explain(
        config,
        {
          server: 'spy',
          call: { method, era: 'legacy', params },
          sample: { claims: decodeJwt(token), header: undefined },
        },
        systemClock,
      )
    const forbidden = await explained(editor, 'resources/read', { uri: 'file:///srv/../etc/a' })
    assert.deepEqual(
      [forbidden.decision, forbidden.answer?.error, forbidden.answer?.why],
      ['deny', 'policy_denied', 'forbidden by etc'],
    )
    assert.deepEqual(forbidden.mend, [
      'file:///srv/../etc/a, understood as file:///etc/a, is forbidden by etc',
      'no scope changes that',
    ])
    const lacking = await explained(other, 'tools/call', { name: 'pay', arguments: { sum: 1 } })
    assert.equal(lacking.decision, 'deny')
    assert.match(
      lacking.mend.join('\n'),
      /no policy permits pay\npayments cannot be evaluated: .*`amount`.*\npolicies name groups and roles in which the caller is not: Role::"editor"/,
    )
    const fine = await explained(editor, 'tools/call', { name: 'pay', arguments: { amount: 500 } })
    assert.deepEqual(
      [fine.decision, fine.verdict?.policies],
      [
        'allow',
        [{ object: 'pay', decides: true, verdict: 'permitted', decisive: ['editors'], obstacles: [] }],
      ],
    )
  })
})

describe('policies that change', () => {
  it('count for the next request, and take no connection or session away', async () => {
    answerLists()
    const call = async (): Promise<unknown> =>
      codeOf(
        await gate.post(legacyRequest('tools/call', { name: 'read_file', arguments: {} }), { token: other }),
      )
    assert.equal(await call(), undefined)
    await gate.installation.replace({ roles: { editor: { users: ['other'] } } })
    const write = legacyRequest('tools/call', { name: 'write_file', arguments: {} })
    assert.equal(codeOf(await gate.post(write, { token: other })), undefined)
    assert.equal(codeOf(await gate.post(write, { token: editor })), 'policy_denied')
    await gate.installation.replace({
      roles,
      policies: [policyFile('permit(principal, action, resource == Tool::"spy/x");')],
    })
    assert.equal(await call(), 'policy_denied')
    await gate.installation.replace({ policies: [], roles: {} })
    assert.equal(await call(), undefined)
  })
})
