import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { it, type TestContext } from 'node:test'
import { findDashboard } from '../../src/cli/find-dashboard.ts'

async function listen(test: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

it('a dashboard is found behind ports where nobody answers, or somebody who knows no proof', async (test) => {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  test.mock.method(AbortSignal, 'timeout', () => timeout(200))
  const prove = (challenge: string): string => `proof of ${challenge}`
  const right = await listen(test, (req, res) => res.end(prove(req.url?.split('/').at(-1) ?? '')))
  const silent = await listen(test, () => undefined)
  const wrong = await listen(test, (_, res) => res.end('x'))
  const relaying = await listen(test, (req, res) => res.writeHead(302, { location: right + req.url }).end())
  const sought = { tenant: undefined, prove }
  assert.equal(await findDashboard([silent, wrong, relaying, right], sought), right)
  assert.equal(await findDashboard([silent, wrong, relaying], sought), undefined)
})
