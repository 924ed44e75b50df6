import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { createAsk, type Question } from '../../src/doctor/ask.ts'
import type { Visit } from '../../src/doctor/contract.ts'
import { followRedirects } from '../../src/doctor/follow-redirects.ts'
import { listenForAnswer } from '../../src/doctor/listen-for-answer.ts'
import { call, errorOf, resultOf } from '../../src/doctor/mcp-request.ts'
import { describe as describeReply, type Reply } from '../../src/doctor/reply.ts'
import { createReport } from '../../src/doctor/report.ts'
import { authenticateMachine } from '../../src/doctor/steps/authenticate-machine.ts'
import { tokenRequest } from '../../src/doctor/token-request.ts'
import { resource as facts, server as known } from '../support/doctor-step.ts'
import { listen } from '../support/listen.ts'

const reply = (rest: Partial<Reply>): Reply => ({
  url: 'https://a.example/',
  status: 200,
  headers: {},
  cookies: [],
  text: '',
  ...rest,
})

describe('the listener for the answer of a sign-in', () => {
  it('takes an answer to its path alone, with a code or an error, and shows nobody else a word (P8)', async (test) => {
    const listener = await listenForAnswer(0)
    test.after(() => listener.close())
    const ask = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`http://127.0.0.1:${listener.port}${path}`, { method })).status
    assert.equal(await ask('/callback?code=early'), 404, 'nobody waits yet')
    const answer = listener.answer('/callback', 60_000)
    for (const path of ['/favicon.ico', '//', '/other?code=1', '/callback', '/callback?state=1'])
      assert.equal(await ask(path), 404, path)
    assert.equal(await ask('/callback?code=1', 'POST'), 404)
    assert.equal(await ask('/callback?code=right'), 200)
    assert.equal((await answer)?.get('code'), 'right')
    const refused = listener.answer('/again', 60_000)
    assert.equal(await ask('/again?error=access_denied'), 200)
    assert.equal((await refused)?.get('error'), 'access_denied')
  })
})

describe('a client at the token endpoint', () => {
  const basic = 'Basic b25lOnMlMkZ0'
  for (const [authMethods, registered, expected] of [
    [[], undefined, [basic, null, null]],
    [[], 'client_secret_post', [undefined, 'one', 's/t']],
    [['client_secret_post', 'client_secret_basic'], undefined, [basic, null, null]],
    [['client_secret_post', 'none'], undefined, [undefined, 'one', 's/t']],
    [['client_secret_post'], 'client_secret_basic', [undefined, 'one', 's/t']],
    [['client_secret_basic', 'none'], 'none', [undefined, 'one', null]],
    [['private_key_jwt'], 'private_key_jwt', [undefined, 'one', 's/t']],
  ] as const) {
    it(`authenticates as SDKs do: ${registered ?? 'known beforehand'}, with ${authMethods.join(', ') || 'nothing'} in the metadata (N12)`, async () => {
      let sent: Question = {}
      const ask = async (url: string, question: Question = {}): Promise<Reply> => {
        sent = question
        return reply({ url })
      }
      const client = {
        id: 'one',
        secret: 's/t',
        ...(registered === undefined ? {} : { authMethod: registered }),
      }
      const visit = { ask, report: createReport(() => undefined) } as unknown as Visit
      const server = { tokenEndpoint: 'https://a.example/token', authMethods }
      await tokenRequest(visit, server, { client, form: { grant_type: 'client_credentials' } })
      const form = new URLSearchParams(sent.form)
      assert.deepEqual(
        [sent.headers?.['authorization'], form.get('client_id'), form.get('client_secret')],
        expected,
      )
      assert.equal(form.get('grant_type'), 'client_credentials')
    })
  }
})

describe('a browser that doctor plays', () => {
  it('keeps cookies and follows redirects within one origin, and goes no further', async () => {
    const asked: [string, string | undefined][] = []
    const pages: Record<string, Partial<Reply>> = {
      '/start': { status: 302, headers: { location: '/next' }, cookies: ['a=1; Path=/', '=none', 'torn'] },
      '/next': { status: 303, headers: { location: 'login' }, cookies: ['b=2=3; Secure', 'a=4'] },
      '/login': { status: 307, headers: { location: 'https://b.example/idp' } },
      '/loop': { status: 302, headers: { location: '/loop' } },
      '/created': { status: 201, headers: { location: '/next' } },
      '/missing': { status: 404, headers: { location: '/next' } },
    }
    const follow = (path: string) =>
      followRedirects(async (url, question) => {
        asked.push([new URL(url).pathname, question?.headers?.['cookie']])
        return reply(pages[new URL(url).pathname] ?? {})
      }, `https://a.example${path}`)
    assert.equal((await follow('/start')).away?.href, 'https://b.example/idp')
    assert.deepEqual(asked, [
      ['/start', undefined],
      ['/next', 'a=1'],
      ['/login', 'a=4; b=2=3'],
    ])
    asked.length = 0
    assert.equal((await follow('/loop')).away, undefined)
    assert.equal(asked.length, 6)
    for (const path of ['/created', '/missing']) {
      asked.length = 0
      assert.equal((await follow(path)).away, undefined)
      assert.equal(asked.length, 1, path)
    }
  })
})

describe('what a server answered', () => {
  for (const [what, given, told] of [
    ['nothing', { status: 0 }, 'no answer'],
    ['nothing, for a reason', { status: 0, problem: 'it was cut' }, 'it was cut'],
    ['a redirect', { status: 302, headers: { location: '/x?code=1' } }, '302, a redirect to /x'],
    ['a page by its type', { headers: { 'content-type': 'text/html' } }, '200 with an HTML page'],
    ['a page by its look', { status: 500, text: ' <!DOCTYPE html>' }, '500 with an HTML page'],
    ['an error', { status: 400, text: '{"error":"bad"}' }, '400 bad'],
    [
      'an error with a reason',
      { status: 400, text: '{"error":"bad","error_description":"so"}' },
      '400 bad (so)',
    ],
    [
      'an error of JSON-RPC',
      { status: 404, text: '{"error":{"code":-1,"message":"no"}}' },
      '404, JSON-RPC error -1 no',
    ],
    ['an error that is none', { status: 400, text: '{"error":7}' }, '400 without a media type'],
    ['anything else', { headers: { 'content-type': 'text/plain' } }, '200 text/plain'],
  ] as const) {
    it(`is told in short: ${what}`, () => assert.equal(describeReply(reply(given)), told))
  }
})

describe('a secret in a report', () => {
  it('is hidden in each spelling, and a shorter word is none (B4)', () => {
    const report = createReport(() => undefined)
    report.hide('s3c ret')
    report.hide('the')
    report.skip('challenge-status', 'the s3c ret, s3c%20ret and s3c+ret')
    assert.equal(report.findings[0]?.detail, 'the [hidden], [hidden] and [hidden]')
  })
})

describe('a request of doctor', () => {
  const limits = { requestMs: 10_000, totalMs: 20_000, bodyBytes: 10 }
  const served = async (
    test: { after(end: () => void): void },
    listener: RequestListener,
  ): Promise<string> => {
    const server = createServer(listener)
    return `${(await listen(server, test)).url}/`
  }

  it('names the client that it stands in for, or itself', async (test) => {
    const names: (string | undefined)[] = []
    const url = await served(test, (req, res) => {
      names.push(req.headers['user-agent'])
      res.end()
    })
    await createAsk(limits, 'client/1')(url)
    await createAsk(limits, undefined)(url)
    assert.deepEqual(names, ['client/1', 'portcullis-doctor'])
  })

  it('reads every part of a body up to the limit, and of a stream no more than was asked for', async (test) => {
    const url = await served(test, (req, res) => {
      if (req.url === '/stream') res.setHeader('content-type', 'text/event-stream')
      res.write('123456')
      if (req.url === '/two') setImmediate(() => res.end('789'))
    })
    const ask = createAsk(limits, undefined)
    assert.equal((await ask(`${url}two`)).text, '123456789')
    const left = await ask(`${url}stream`)
    assert.deepEqual([left.status, left.text], [200, ''], 'a stream that nobody asked for is left at once')
    assert.equal((await ask(`${url}stream`, { enough: (text) => text.length > 5 })).text, '123456')
  })
})

describe('a call of doctor', () => {
  const named = { name: 'echo' }
  const accept = 'application/json, text/event-stream'

  it('has the headers of its era: the name in the modern one, session and agreed revision in the legacy one', () => {
    assert.deepEqual(call('2026-07-28', 'tools/call', named).headers, {
      accept,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    })
    const inSession = { token: 't', session: 's', agreed: '2025-06-18' }
    assert.deepEqual(call('2025-11-25', 'tools/call', named, inSession).headers, {
      accept,
      authorization: 'Bearer t',
      'mcp-session-id': 's',
      'mcp-protocol-version': '2025-06-18',
    })
  })

  it('finds its response behind other messages of a stream, and none in what is no answer', () => {
    const news = 'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\ndata: torn\n\n'
    const answer = 'data: {"jsonrpc":"2.0","id":1,"result":{"tools":[]}}\n\n'
    assert.deepEqual(resultOf(reply({ text: news + answer })), { tools: [] })
    assert.equal(resultOf(reply({ text: news })), undefined)
    const lines = 'data: {"result":{"a":"\u2028data: {}"}}\r\n\r\n'
    assert.deepEqual(resultOf(reply({ text: news + lines })), { a: '\u2028data: {}' })
    assert.equal(resultOf(reply({ status: 202, text: answer })), undefined)
    assert.equal(resultOf(reply({ headers: { 'content-type': 'text/html' }, text: answer })), undefined)
    const failed = 'data: {"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}\n\n'
    assert.deepEqual(errorOf(reply({ status: 400, text: news + failed })), { code: -1, message: 'no' })
  })
})

it('a machine whose server requires a scope asks for those of the challenge, as SDK v2 does (T7)', async () => {
  const report = createReport(() => undefined)
  const asked: (string | undefined)[] = []
  const visit = {
    report,
    async ask(url: string, { form }: Question = {}) {
      asked.push(form?.['scope'])
      const refusal = { status: 400, text: '{"error":"invalid_scope"}' }
      const headers = { 'cache-control': 'no-store' }
      const tokens = { headers, text: '{"access_token":"opaque","token_type":"Bearer"}' }
      return reply({ url, ...(form?.['scope'] === undefined ? refusal : tokens) })
    },
  } as unknown as Visit
  const resource = { ...facts, scopes: ['tools:read', 'tools:list'] }
  const ports = { server: known, resource }
  assert.ok(await authenticateMachine(visit, ports, { id: 'ci', secret: 'machine-secret' }))
  assert.deepEqual(asked, [undefined, 'tools:read tools:list'])
  assert.equal(
    await authenticateMachine(visit, { server: known, resource: facts }, { id: 'ci', secret: 's' }),
    undefined,
  )
})
