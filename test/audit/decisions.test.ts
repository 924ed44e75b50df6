import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { canonicalJson, describeArguments } from '../../src/audit/arguments.ts'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { askClient } from '../support/ask-client.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { until } from '../support/until.ts'

describe('each decision is one event (N34)', () => {
  let gate: GatedSpy
  before(async () => {
    const limits = { toolsPerMinute: { rare: 1 } }
    const objects = { tools: { deny: ['forbidden'] } }
    gate = await startGatedSpy({ log: { format: 'text' } }, undefined, {
      limits,
      objects,
      audit: { arguments: 'hash' },
    })
  })
  after(() => gate.close())

  const eventsOf = async (answer: { headers: Headers }): Promise<RecordedEvent[]> =>
    (await gate.installation.audit()).filter(
      ({ requestId }) => requestId === answer.headers.get('x-request-id'),
    )

  it('of each kind of answer at the gate, with the reason', async () => {
    const all = await gate.tokenFor('mcp:*')
    const call = (name: string) =>
      gate.post(legacyRequest('tools/call', { name, arguments: { a: 1 } }), { token: all })
    await call('rare')
    const answers = [
      [await call('fine'), 'mcp.call allowed undefined'],
      [await gate.post(legacyRequest('ping')), 'mcp.call challenged token_missing'],
      [await gate.post(legacyRequest('ping'), { token: 'a.b.c' }), 'mcp.call challenged token_invalid'],
      [await call('forbidden'), 'mcp.call denied object_denied'],
      [await call('rare'), 'mcp.call limited too_many_requests'],
      [await gate.post('{', { token: all }), 'mcp.call denied json_invalid'],
      [await gate.post(legacyRequest('made/up'), { token: all }), 'mcp.call denied method_unknown_legacy'],
      [
        await gate.post(legacyRequest('ping'), { token: all, headers: { origin: 'https://evil.example' } }),
        'http.refusal denied origin_not_allowed',
      ],
    ] as const
    for (const [answer, expected] of answers) {
      const found = (await eventsOf(answer)).map(({ event, outcome, code }) => `${event} ${outcome} ${code}`)
      assert.deepEqual(found, [expected])
    }
  })

  it('names the method that was refused because nobody knows it', async () => {
    const token = await gate.tokenFor('mcp:*')
    const batch = { 'mcp-protocol-version': '2025-03-26' }
    const modern = modernRequest('x/search')
    for (const [answer, code, method] of [
      [await gate.post(legacyRequest('x/search'), { token }), 'method_unknown_legacy', 'x/search'],
      [await gate.post(modern.body, { token, headers: modern.headers }), 'method_unknown', 'x/search'],
      [
        await gate.post({ jsonrpc: '2.0', method: 'notifications/x' }, { token }),
        'notification_unknown',
        'notifications/x',
      ],
      [
        await gate.post([legacyRequest('x/search')], { token, headers: batch }),
        'message_invalid',
        'x/search',
      ],
      [await gate.post(legacyRequest('x/bearer abcdef'), { token }), 'method_unknown_legacy', 'x/[redacted]'],
    ] as const) {
      const [event] = await eventsOf(answer)
      assert.deepEqual([event?.code, event?.method], [code, method])
      assert.ok(!answer.text.includes('x/'), 'the client knows what it sent')
    }
    assert.match(gate.installation.log(), /mcp +200 x\/search .*denied: method_unknown_legacy/)
  })

  it('names what is subscribed to, completed or denied among others, whether it is let pass or not', async () => {
    const all = await gate.tokenFor('mcp:*')
    const none = await gate.tokenFor('mcp:tools:read')
    const uri = 'file:///srv/a'
    const resourceSubscriptions = [uri, 'file:///srv/b']
    const listen = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions } })
    const complete = (ref: object) => legacyRequest('completion/complete', { ref })
    for (const [body, object, headers = {}] of [
      [legacyRequest('resources/subscribe', { uri }), uri],
      [legacyRequest('resources/unsubscribe', { uri }), uri],
      [complete({ type: 'ref/resource', uri }), uri],
      [complete({ type: 'ref/prompt', name: 'greet' }), 'greet'],
      [listen.body, resourceSubscriptions.join(' '), listen.headers],
    ] as const)
      for (const token of [all, none]) {
        const [event] = await eventsOf(await gate.post(body, { token, headers }))
        assert.deepEqual([event?.outcome, event?.object], [token === all ? 'allowed' : 'challenged', object])
      }
    const batch = ['fine', 'forbidden'].map((name, id) => legacyRequest('tools/call', { name }, id))
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    const [denied] = await eventsOf(await gate.post(batch, { token: all, headers }))
    assert.deepEqual([denied?.code, denied?.object], ['object_denied', 'fine forbidden'])
  })

  it('of each call of a batch that is let pass', async () => {
    const token = await gate.tokenFor('mcp:*')
    const { id } = await askClient(gate, { token })
    const batch = [
      { jsonrpc: '2.0', id, result: {} },
      legacyRequest('tools/call', { name: 'one' }, 1),
      legacyRequest('prompts/get', { name: 'two', arguments: { a: '1' } }, 2),
    ]
    const answer = await gate.post(batch, { token, headers: { 'mcp-protocol-version': '2025-03-26' } })
    assert.deepEqual(
      (await eventsOf(answer)).map(({ method, object, batch: place, ...event }) => [
        method,
        object,
        place,
        event.arguments === undefined,
      ]),
      [
        ['tools/call', 'one', 0, true],
        ['prompts/get', 'two', 1, false],
      ],
    )
  })

  it('of what a person decides, also of no', async () => {
    const refusing = new FormBrowser({ decision: 'deny' })
    await assert.rejects(gate.oauth.authorize({ scope: 'mcp:tools:read' }, refusing))
    const found = (await gate.installation.audit())
      .slice(-4)
      .map(({ event, outcome, code }) => [event, outcome, code])
    assert.deepEqual(found, [
      ['oauth.authorization', 'challenged', undefined],
      ['oauth.login', 'allowed', undefined],
      ['oauth.consent', 'denied', 'access_denied'],
      ['oauth.grant', 'denied', 'access_denied'],
    ])
  })

  it('of a token that is refused, of one that is asked about, and of those that are revoked', async () => {
    const { refresh_token: refresh, access_token: access } = await gate.oauth.signIn({
      scope: 'mcp:tools:read',
    })
    const { clientId } = gate.oauth
    await gate.oauth.token({ token: access, client_id: clientId }, { path: '/introspect' })
    await gate.oauth.token({ token: access, client_id: clientId }, { path: '/revoke' })
    await gate.oauth.token({ token: refresh, client_id: clientId }, { path: '/revoke' })
    await gate.oauth.refresh(refresh)
    const found = (await gate.installation.audit()).slice(-4)
    assert.deepEqual(
      found.map(({ event, outcome, code, clientId: who }) => [event, outcome, code, who]),
      [
        ['oauth.introspection', 'allowed', undefined, 'user-client'],
        ['oauth.revocation', 'allowed', undefined, 'user-client'],
        ['oauth.revocation', 'allowed', undefined, 'user-client'],
        ['oauth.token', 'denied', 'invalid_grant', 'user-client'],
      ],
    )
  })

  it('keeps of arguments what the rule says, and never a secret', async () => {
    const token = await gate.tokenFor('mcp:*')
    const given = { path: '/etc/hosts', password: 'hunter2' }
    const same = { password: 'hunter2', path: '/etc/hosts' }
    const hashes: (string | undefined)[] = []
    for (const value of [given, same, { ...given, path: '/etc/passwd' }]) {
      const answer = await gate.post(legacyRequest('tools/call', { name: 'read', arguments: value }), {
        token,
      })
      hashes.push((await eventsOf(answer))[0]?.arguments?.hash)
    }
    assert.match(hashes[0] ?? '', /^[\w-]{43}$/)
    assert.equal(hashes[0], hashes[1])
    assert.notEqual(hashes[0], hashes[2])
    assert.doesNotMatch(JSON.stringify(await gate.installation.audit()), /hunter2|etc\/hosts/)
  })

  it('tells numbers as they were sent, also where JavaScript would round them', async () => {
    const token = await gate.tokenFor('mcp:*')
    const hashOf = async (number: string): Promise<string | undefined> => {
      const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"id":${number}}}}`
      return (await eventsOf(await gate.post(body, { token })))[0]?.arguments?.hash
    }
    const [one, next, same, written] = [
      await hashOf('9007199254740993'),
      await hashOf('9007199254740992'),
      await hashOf('9007199254740993'),
      await hashOf('9007199254740992.0'),
    ]
    assert.notEqual(one, next)
    assert.deepEqual([one, next], [same, written])
  })
})

describe('the rule for arguments', () => {
  const key = Buffer.alloc(32, 1)
  it('hides members that look like secrets, that are named, and texts that look like tokens, at any depth (A14)', () => {
    const ofRule = describeArguments({ arguments: 'redact', redact: ['iban', 'user.email'] }, key)
    const record = ofRule?.({
      apiKey: 'k',
      user: { email: 'a@b', name: 'Ada', tokens: ['t'] },
      email: 'kept',
      list: [{ iban: 'DE00' }, 'Bearer abc.def.ghi'],
    })
    assert.deepEqual(record, {
      redacted: {
        apiKey: '[redacted]',
        user: { email: '[redacted]', name: 'Ada', tokens: '[redacted]' },
        email: 'kept',
        list: [{ iban: '[redacted]' }, '[redacted]'],
      },
    })
    const words = ['pass', 'PWD', 'db_pwd', 'userPass', 'smtp-pass', 'passcode', 'otp', 'idJwt']
    const others = ['compass', 'bypass', 'passed', 'COMPASS', 'pwdDir']
    for (const [names, kept] of [
      [words, '[redacted]'],
      [others, 'x'],
    ] as const)
      for (const name of names) assert.deepEqual(ofRule?.({ [name]: 'x' }), { redacted: { [name]: kept } })
    assert.deepEqual(ofRule?.({ ['k'.repeat(40)]: 1 }), { redacted: { '[redacted]': 1 } })
  })

  it('hides what is named whatever the case of a name, in the rule and in the arguments (A14)', () => {
    const ofRule = describeArguments({ arguments: 'redact', redact: ['iban', 'User.eMail'] }, key)
    assert.deepEqual(
      ofRule?.({ IBAN: 'DE00', Iban: 'DE01', user: { Email: 'a@b' }, USER: { email: 'c@d' } }),
      {
        redacted: {
          IBAN: '[redacted]',
          Iban: '[redacted]',
          user: { Email: '[redacted]' },
          USER: { email: '[redacted]' },
        },
      },
    )
  })

  it('looks at a name once, however long it is: another time would have no end here (A36)', () => {
    const ofRule = describeArguments({ arguments: 'redact', redact: ['iban'] }, key)
    const members = Array.from({ length: 100_000 }, (_, index) => [`member${index}`, 0])
    const record = ofRule?.({ ['name '.repeat(400_000)]: Object.fromEntries(members) })
    assert.deepEqual(Object.keys(record ?? {}), ['hash'])
  })

  it('keeps the hash of what is long, and nothing where nothing is wanted', () => {
    const redacting = describeArguments({ arguments: 'redact', redact: [] }, key)
    assert.deepEqual(Object.keys(redacting?.({ text: 'word '.repeat(2000) }) ?? {}), ['hash'])
    assert.equal(describeArguments({ arguments: 'omit', redact: [] }, key), undefined)
  })

  it('hashes under a key, so that few possible values cannot be tried', () => {
    const one = describeArguments({ arguments: 'hash', redact: [] }, key)
    const other = describeArguments({ arguments: 'hash', redact: [] }, Buffer.alloc(32, 2))
    assert.notDeepEqual(one?.({ pin: 1234 }), other?.({ pin: 1234 }))
    assert.equal(
      canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }),
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    )
  })
})

describe('an audit that cannot be written', () => {
  it('stops every decision where the operator wants that, and nothing reaches a server meanwhile', async (test) => {
    const gate = await startGatedSpy({ audit: { whenUnwritable: 'refuse' } })
    test.after(() => gate.close())
    const readiness = async (): Promise<[number, string]> => {
      const answer = await fetch(`${gate.installation.adminUrl}/readyz`)
      return [answer.status, await answer.text()]
    }
    const token = await gate.tokenFor('mcp:*')
    const issued = await gate.oauth.authorize()
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200)
    assert.equal((await readiness())[0], 200)
    const folder = join(gate.installation.data, 'audit')
    await rm(folder, { recursive: true })
    await writeFile(folder, 'in the way')
    const [status, text] = await readiness()
    assert.equal(status, 503, 'before anybody has asked for anything')
    assert.match(text, /events of the audit cannot be written/)
    await until(
      () => gate.installation.log().includes('somebody has moved or removed'),
      'the log tells of it',
    )
    // The first that is to be written is known to fail only when its answer is ready.
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'nobody' })
    const withheld = await fetch(`${gate.installation.url}/token`, { method: 'POST', body: form })
    assert.equal(withheld.status, 503)
    assert.doesNotMatch(await withheld.text(), /invalid_client/)
    const reached = gate.spy.seen.length
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await gate.post(legacyRequest('ping'), { token })
      assert.equal(refused.status, 503)
      assert.equal(refused.json.error?.data['code'], 'audit_unavailable')
    }
    assert.equal((await fetch(`${gate.installation.url}/token`, { method: 'POST' })).status, 503)
    assert.equal((await gate.oauth.redeem(issued)).body.error, 'audit_unavailable')
    assert.equal(gate.spy.seen.length, reached)
    assert.equal((await readiness())[0], 503)
    await rm(folder)
    const ping = () => gate.post(legacyRequest('ping'), { token })
    await until(async () => (await ping()).status === 200, 'the audit can be written again')
    assert.equal(gate.spy.seen.length, reached + 1)
    assert.equal((await readiness())[0], 200)
    assert.equal((await gate.oauth.redeem(issued)).status, 200, 'no code was used up meanwhile')
  })
})
