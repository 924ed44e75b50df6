import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { type Started, startPortcullis } from '../support/command.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { serveFile } from '../support/served-file.ts'
import { echo, startSpyUpstream } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')
const initialize = legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} })

interface Asked {
  readonly req: IncomingMessage
  readonly body: Buffer
  readonly res: ServerResponse
}

/**
 * Goes round robin to those that it thinks ready, and to the next one where a connection is refused; all else reaches the
 * client as it is.
 */
async function startBalancer(test: TestContext, ports: readonly number[]) {
  let turn = 0
  const served = new Map<number, number>()
  /** Those that have said that they will end. */
  const leaving = new Set<number>()
  const pass = ({ req, body, res }: Asked, at = turn++, left = ports.length): void => {
    const port = ports[at % ports.length] as number
    if (leaving.has(port)) return pass({ req, body, res }, at + 1, left)
    const onward = request({
      host: '127.0.0.1',
      port,
      path: req.url,
      method: req.method,
      headers: req.headers,
      agent: false,
    })
    onward.on('response', (answer) => {
      served.set(port, (served.get(port) ?? 0) + 1)
      const { connection: _, 'keep-alive': __, ...headers } = answer.headers
      res.writeHead(answer.statusCode ?? 502, { ...headers, 'x-replica': port })
      res.flushHeaders()
      answer.pipe(res)
      answer.on('error', () => res.destroy())
    })
    onward.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && left > 1) pass({ req, body, res }, at + 1, left - 1)
      else res.writeHead(502, { 'x-error': `${error.code} of ${port}` }).end()
    })
    res.on('close', () => onward.destroy())
    onward.end(body)
  }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => pass({ req, body: Buffer.concat(chunks), res }))
  })
  const { url } = await listen(server, test)
  return { url, served, leaving }
}

describe('replicas behind a balancer', { timeout: 90_000 }, () => {
  it('are restarted one after the other by SIGTERM: no request fails, and streams end cleanly', async (test) => {
    const spy = await startSpyUpstream()
    test.after(() => spy.close())
    spy.answerWith((seen, res) => {
      if (seen.method === 'GET')
        return res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      if (seen.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'session-of-the-server')
      return setTimeout(() => echo(seen, res), 20)
    })
    const ports = [await freePort(), await freePort()]
    const { url, served, leaving } = await startBalancer(test, ports)
    const first = await serveFile(test, {
      publicUrl: url,
      listen: { gateway: ports[0] as number, noticeSeconds: 1 },
      upstreams: [{ name: 'http', url: spy.url, transport: 'streamable-http', era: 'legacy' }],
    })
    const begin = async (port: number): Promise<Started> =>
      startPortcullis(
        test,
        ['serve', '-c', first.file, '--port', String(port)],
        { PORTCULLIS_LISTEN_ADMIN: String(await freePort()) },
        '"msg":"ready"',
      )
    const replicas = [first.started, await begin(ports[1] as number)]
    const mcp = `${url}/mcp`
    const token = await tokenFor(mcp, 'ada')
    const opened = await post(mcp, token, initialize)
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const open = (): Promise<Response> =>
      fetch(mcp, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session } })

    const isAt = (port: number) => (stream: Response) => stream.headers.get('x-replica') === String(port)

    const failed: string[] = []
    let answered = 0
    const load = { on: true }
    const flow = async (): Promise<void> => {
      while (load.on) {
        const outcome = await post(mcp, token, list, { headers: session }).then(
          ({ status, headers }) => (status === 200 ? undefined : `${status} ${headers.get('x-error')}`),
          (error: unknown) => String((error as Error).cause ?? error),
        )
        if (outcome === undefined) answered++
        else failed.push(outcome)
      }
    }
    const flows = Promise.all([flow(), flow(), flow(), flow()])
    for (const [index, port] of ports.entries()) {
      const streams: Response[] = []
      while (!streams.some(isAt(port)) || !streams.some((stream) => !isAt(port)(stream))) {
        streams.push(await open())
        assert.ok(streams.length < 40)
      }
      const ends = streams.map((stream) =>
        stream.text().catch((error: unknown) => `broken: ${String(error)}`),
      )
      const replica = replicas[index] as Started
      replica.process.kill('SIGTERM')
      // What it has queued by now is answered before anything closes.
      leaving.add(port)
      assert.equal(await replica.exit, 0)
      await Promise.all(ends.filter((_, place) => isAt(port)(streams[place] as Response)))
      const found = await Promise.all(ends.map((end) => Promise.race([end, Promise.resolve('open')])))
      assert.deepEqual(
        found.map((text) => text.replaceAll(': \n\n', '')), // signs of life
        streams.map((stream) => (isAt(port)(stream) ? '' : 'open')),
        'streams end with their replica, and are not cut off',
      )
      served.delete(port)
      replicas[index] = await begin(port)
      leaving.delete(port)
      await until(() => served.get(port) !== undefined, 'the new replica is asked')
    }
    await until(() => answered > 50, 'requests were answered')
    load.on = false
    await flows
    assert.deepEqual(failed, [])
  })
})
