import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { filePaths } from '../../src/audit/files.ts'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { scrub, scrubPath } from '../../src/telemetry/scrub.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({ log: { level: 'debug', format: 'json' } })
})
after(() => gate.close())

const metrics = async (): Promise<string> => (await fetch(`${gate.installation.adminUrl}/metrics`)).text()

/** The value of a metric with these labels, 0 where it has none yet. */
async function value(name: string, labels: string): Promise<number> {
  const line = (await metrics())
    .split('\n')
    .find((one) => one.startsWith(`${name}{${labels}}`) || one.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

describe('one event for each request', () => {
  it('is a line of the log, and where something was decided an event of the audit with the same facts (N34)', async () => {
    const token = await gate.tokenFor('mcp:tools:read', 'ada')
    const allowed = await gate.post(legacyRequest('tools/list'), { token })
    const denied = await gate.post(legacyRequest('tools/call', { name: 'rm' }), { token })
    const challenged = await gate.post(legacyRequest('tools/list'))
    const metadata = await gate.post(undefined, {
      method: 'GET',
      path: '/.well-known/oauth-protected-resource',
    })

    const audit = await gate.installation.audit()
    const of = (answer: { headers: Headers }) =>
      audit.filter(({ requestId }) => requestId === answer.headers.get('x-request-id'))
    assert.equal(of(allowed).length, 1)
    const [entry] = of(allowed)
    assert.equal(entry?.event, 'mcp.call')
    assert.equal(entry?.outcome, 'allowed')
    assert.equal(entry?.subject, 'ada')
    assert.equal(entry?.clientId, 'user-client')
    assert.equal(entry?.upstream, 'spy')
    assert.equal(entry?.method, 'tools/list')
    assert.equal(of(denied)[0]?.outcome, 'challenged')
    assert.equal(of(denied)[0]?.code, 'scope_insufficient')
    assert.equal(of(denied)[0]?.object, 'rm')
    assert.deepEqual(of(denied)[0]?.missing, ['mcp:tools:execute'])
    assert.equal(of(challenged)[0]?.code, 'token_missing')
    assert.deepEqual(of(metadata), [], 'nothing is decided about what everybody may read')

    const lines = gate.installation
      .log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    for (const answer of [allowed, denied, challenged, metadata]) {
      const id = answer.headers.get('x-request-id')
      assert.equal(lines.filter((line) => line['requestId'] === id).length, 1)
    }
    assert.deepEqual([...new Set(lines.map(({ kind }) => String(kind)))].toSorted(), [
      'access',
      'mcp',
      'oauth',
      'proxy',
      'undefined',
    ])
  })

  it('tells each step of OAuth with client and user', async () => {
    await gate.tokenFor('mcp:tools:read', 'grace')
    const steps = await gate.installation.audit()
    for (const name of ['oauth.authorization', 'oauth.login', 'oauth.consent', 'oauth.grant', 'oauth.token'])
      assert.ok(
        steps.some(({ event, clientId, subject }) => event === name && clientId !== null && subject !== null),
        name,
      )
    const token = steps.findLast(({ event }) => event === 'oauth.token')
    assert.deepEqual(
      [token?.clientId, token?.subject, token?.grantType, token?.upstream, token?.scopes],
      ['user-client', 'grace', 'authorization_code', 'spy', ['mcp:tools:read']],
    )
    const grant = steps.findLast(({ event }) => event === 'oauth.grant')
    assert.equal(grant?.grant, token?.grant)
    assert.match(String(token?.grant), /^[\w-]{22}$/)
  })

  it('is one line for a person, whatever a client calls a tool (A14)', async () => {
    const told = await startGatedSpy({ log: { level: 'info', format: 'text' } })
    const token = await told.tokenFor('mcp:*')
    const name = 'x\n[09:00:00] INFO: forged\u001b[2J\u009b31m\u202e'
    await told.post(legacyRequest('tools/call', { name }), { token })
    await told.close()
    const line =
      told.installation
        .log()
        .split('\n')
        .find((one) => one.includes('forged')) ?? ''
    assert.match(line, /mcp +200 tools\/call x/)
    assert.doesNotMatch(stripVTControlCharacters(line), /\p{Cc}|\p{Cf}/u)
  })

  it('shares the request id between gateway and authorization server', async () => {
    const response = await fetch(`${gate.installation.url}/token`, {
      method: 'POST',
      body: new URLSearchParams(),
    })
    const id = response.headers.get('x-request-id')
    const lines = gate.installation
      .log()
      .split('\n')
      .filter((line) => id !== null && line.includes(id))
    const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind)
    assert.deepEqual(kinds.toSorted(), ['oauth', 'proxy'])
    const entries = (await gate.installation.audit()).filter(({ requestId }) => requestId === id)
    assert.deepEqual(
      entries.map(({ event, outcome }) => [event, outcome]),
      [['oauth.token', 'denied']],
    )
  })
})

describe('secrets (A14, B4)', () => {
  it('never appear in the log, in the audit or in an error', async () => {
    const issued = await gate.oauth.authorize(
      { scope: 'mcp:*', state: 'state-that-is-nobodys-business' },
      new FormBrowser(),
    )
    const { body } = await gate.oauth.redeem(issued)
    await gate.oauth.redeem(issued)
    await gate.oauth.refresh(body.refresh_token)
    await gate.post(legacyRequest('tools/list'), { token: body.access_token })
    await gate.post(legacyRequest('tools/list'), { token: `${body.access_token}x` })
    await gate.post(legacyRequest('ping'), { path: `/mcp?access_token=${body.access_token}` })
    await gate.post(legacyRequest('tools/call', { name: body.access_token }), { token: body.access_token })
    const secret = 'machine-secret-of-the-tests'
    await gate.oauth.token({ grant_type: 'client_credentials', client_id: 'machine', client_secret: secret })
    await gate.oauth.token({
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: `${secret}-wrong`,
    })
    const audit = JSON.stringify(await gate.installation.audit())
    const log = gate.installation.log()
    const secrets = [
      issued.code,
      issued.verifier,
      body.access_token,
      body.refresh_token,
      secret,
      'state-that-is-nobodys-business',
    ]
    for (const text of [audit, log]) {
      for (const one of secrets) assert.ok(!text.includes(one))
      assert.doesNotMatch(text, /eyJ[\w-]{10}/)
    }
    assert.equal((await stat(join(gate.installation.data, 'audit'))).mode & 0o777, 0o700)
    for (const path of filePaths(join(gate.installation.data, 'audit')))
      assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('are taken out of free texts and paths', () => {
    assert.equal(scrub('token eyJhbGciOiJub25lIn0.e30.x was bad'), 'token [redacted] was bad')
    assert.equal(scrub('Authorization: Bearer abc'), 'Authorization: [redacted]')
    assert.equal(scrub('ECONNREFUSED 127.0.0.1:9'), 'ECONNREFUSED 127.0.0.1:9')
    for (const text of [
      'DPoP proof htu mismatch',
      'invalid DPoP key binding',
      'nonce is required in the DPoP proof',
    ])
      assert.equal(scrub(text), text)
    for (const token of ['abc', 'proof.x', 'nonces', 'key='])
      assert.equal(scrub(`DPoP ${token}`), '[redacted]')
    assert.equal(
      scrubPath('/interaction/nphav80twvdfmNKO9Bsj6nTwTs1OL3olQ_dXbnrzplq/login'),
      '/interaction/…/login',
    )
    assert.equal(
      scrubPath('/.well-known/oauth-authorization-server'),
      '/.well-known/oauth-authorization-server',
    )
  })

  it('do not travel in headers that a client can read', async () => {
    const answer = await gate.post(legacyRequest('ping'), { token: await gate.tokenFor('mcp:*') })
    assert.doesNotMatch(JSON.stringify([...answer.headers]), /eyJ|Bearer/)
  })
})

describe('metrics', () => {
  it('count flows, verifications, operations and failures', async () => {
    const flows = 'portcullis_oauth_flows_completed_total'
    const earlier = {
      started: await value('portcullis_oauth_flows_started_total', ''),
      completed: await value(flows, 'grant_type="authorization_code"'),
      allowed: await value(
        'portcullis_mcp_operations_total',
        'upstream="spy",method="prompts/list",scope="mcp:prompts:list",outcome="allowed"',
      ),
    }
    const token = await gate.tokenFor('mcp:prompts:list')
    await gate.post(legacyRequest('prompts/list'), { token })
    await gate.post(legacyRequest('prompts/list'), { token })
    await gate.post(legacyRequest('prompts/get', { name: 'p' }), { token })
    await gate.post(legacyRequest('prompts/list'))
    await gate.post(legacyRequest('prompts/list'), { token: 'a.b.c' })
    assert.equal(await value('portcullis_oauth_flows_started_total', ''), earlier.started + 1)
    assert.equal(await value(flows, 'grant_type="authorization_code"'), earlier.completed + 1)
    const operations = 'portcullis_mcp_operations_total'
    const labels = 'upstream="spy",method="prompts/list",scope="mcp:prompts:list",outcome="allowed"'
    assert.equal(await value(operations, labels), earlier.allowed + 2)
    assert.equal(
      await value(
        operations,
        'upstream="spy",method="prompts/get",scope="mcp:prompts:read",outcome="challenged"',
      ),
      1,
    )
    assert.ok((await value('portcullis_authentication_failures_total', 'reason="token_missing"')) >= 1)
    assert.ok((await value('portcullis_authentication_failures_total', 'reason="token is malformed"')) >= 1)
    assert.match(await metrics(), /portcullis_token_verification_seconds_count\{valid="true"\} [1-9]/)
    assert.match(await metrics(), /process_resident_memory_bytes/)
  })

  it('have no label that a client could fill', async () => {
    const token = await gate.tokenFor('mcp:*')
    await gate.post(legacyRequest('made/up-by-a-client'), { token })
    await gate.post(legacyRequest('tools/call', { name: 'chosen-by-a-client' }), { token })
    assert.doesNotMatch(await metrics(), /made\/up|chosen-by-a-client/)
    assert.match(gate.installation.log(), /"unknownMethod":"made\/up-by-a-client"/, 'the log has it')
    const batch = [legacyRequest('tools/list', {}, 1), legacyRequest('prompts/list', {}, 2)]
    await gate.post(batch, { token, headers: { 'mcp-protocol-version': '2025-03-26' } })
    assert.match(await metrics(), /method="prompts\/list",scope="",outcome="allowed"\} 1/)
  })
})

describe('labels', () => {
  it('are bounded where texts of others end up in them', async () => {
    const counted = createMetrics('1.2.3')
    const event: RequestEvent = {
      kind: 'mcp',
      outcome: 'challenged',
      requestId: 'r',
      httpMethod: 'POST',
      path: '/mcp',
      status: 401,
      durationMs: 1,
      address: undefined,
    }
    for (let n = 0; n < 500; n++) counted.request({ ...event, code: `code_${n}`, reason: `reason ${n}` })
    const { text } = await counted.render()
    for (const name of ['portcullis_refusals_total', 'portcullis_authentication_failures_total']) {
      assert.equal(text.match(new RegExp(`^${name}\\{`, 'gm'))?.length, 101)
      assert.match(text, new RegExp(`^${name}\\{.*="other"\\} 400$`, 'm'))
    }
    assert.match(text, /^portcullis_build_info\{version="1\.2\.3"\} 1$/m)
  })
})

describe('the admin port (A73)', () => {
  it('says that it lives and is ready', async () => {
    for (const path of ['/healthz', '/readyz']) {
      assert.equal((await fetch(gate.installation.adminUrl + path)).status, 200)
    }
    assert.equal((await fetch(`${gate.installation.adminUrl}/nothing`)).status, 404)
  })

  it('is no part of the public port, and answers no foreign host', async () => {
    const dashboard = ['/events', '/users', '/clients', '/grants', '/sessions', '/keys', '/sign-in/any']
    for (const path of ['/healthz', '/readyz', '/metrics', '/sign-out', ...dashboard]) {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(gate.installation.url + path, { method })
        assert.equal(response.status, 404, `${method} ${path}`)
        assert.doesNotMatch(await response.text(), /portcullis_|dashboard/i)
      }
    }
    assert.doesNotMatch(await (await fetch(gate.installation.url)).text(), /dashboard/i)
    const status = await new Promise((resolve) => {
      request(`${gate.installation.adminUrl}/metrics`, { headers: { host: 'evil.example' } }, (res) =>
        resolve(res.statusCode),
      ).end()
    })
    assert.equal(status, 403)
  })

  it('answers to addresses and to the names that it is given', async (test) => {
    const named = await startGatedSpy({ listen: { adminNames: ['Portcullis'] } })
    test.after(() => named.close())
    const statusFor = (host: string): Promise<number | undefined> =>
      new Promise((resolve) => {
        request(`${named.installation.adminUrl}/healthz`, { headers: { host } }, (res) => {
          res.resume()
          resolve(res.statusCode)
        }).end()
      })
    for (const host of ['portcullis:3005', '10.1.2.3:3005', '[fd00::1]:3005', 'localhost'])
      assert.equal(await statusFor(host), 200, host)
    for (const host of ['portcullis.example', 'evil.example:3005', '10.1.2.3.example'])
      assert.notEqual(await statusFor(host), 200, host)
  })

  it('answers health checks of load balancers that name no host', async () => {
    const { port, hostname } = new URL(gate.installation.adminUrl)
    const socket = connect(Number(port), hostname, () => socket.write('GET /readyz HTTP/1.0\r\n\r\n'))
    assert.match(await textOf(socket), /^HTTP\/1\.1 200 /)
  })
})
