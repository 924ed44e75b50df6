import assert from 'node:assert/strict'
import { createServer, type RequestListener, setGlobalProxyFromEnv } from 'node:http'
import { it, type TestContext } from 'node:test'
import { findDashboard } from '../../src/cli/find-dashboard.ts'
import { listen } from '../support/listen.ts'

const serve = async (test: TestContext, answer: RequestListener): Promise<string> =>
  (await listen(createServer(answer), test)).url

it('a dashboard is found behind ports where nobody answers, or somebody who knows no proof', async (test) => {
  let waiting = new AbortController()
  test.mock.method(AbortSignal, 'timeout', () => (waiting = new AbortController()).signal)
  const prove = (challenge: string): string => `proof of ${challenge}`
  const right = await serve(test, (req, res) => res.end(prove(req.url?.split('/').at(-1) ?? '')))
  const silent = await serve(test, () => waiting.abort())
  const wrong = await serve(test, (_, res) => res.end('x'))
  const relaying = await serve(test, (req, res) => res.writeHead(302, { location: right + req.url }).end())
  const sought = { tenant: undefined, prove }
  assert.equal(await findDashboard([silent, wrong, relaying, right], sought), right)
  assert.equal(await findDashboard([silent, wrong, relaying], sought), undefined)
})

it('a dashboard is found also where the environment sends all requests through a proxy', async (test) => {
  const prove = (challenge: string): string => `proof of ${challenge}`
  const admin = await serve(test, (req, res) => res.end(prove(req.url?.split('/').at(-1) ?? '')))
  const proxied: string[] = []
  const proxy = await serve(test, (req, res) => {
    proxied.push(req.url ?? '')
    res.writeHead(502).end()
  })
  test.after(setGlobalProxyFromEnv({ http_proxy: proxy }))
  assert.equal((await fetch(admin)).status, 502)
  assert.equal(await findDashboard([admin], { tenant: undefined, prove }), admin)
  assert.equal(proxied.length, 1)
})
