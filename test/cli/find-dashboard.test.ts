import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
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
