import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findProgram } from '../../support/find-program.ts'
import { FormBrowser } from '../../support/form-browser.ts'
import { initialize, type Streamer, startStreamer } from '../../support/held-streams.ts'
import { freePort, type Installation, startInstallation } from '../../support/installation.ts'
import { makeCertificate, type PairFiles, writePair } from '../../support/local-tls.ts'
import { OAuthClient } from '../../support/oauth.ts'
import { goodPassword, openPeople } from '../../support/people.ts'
import { type ServingProgram, startProgram } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { clientAddress, publicFetch } from './public-fetch.ts'

const publicUrl = 'https://mcp.example.com'
const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../deploy/proxies', name), 'utf8')

interface Ports {
  readonly gateway: number
  readonly tls: number
  readonly plain: number
}

/** A proxy, and what its example has to be changed in so that it runs on ports of loopback. */
interface Proxy {
  readonly name: string
  readonly program: string
  readonly args: (file: string) => string[]
  readonly file: string
  /** What ends it, though connections are open. */
  readonly signal: NodeJS.Signals
  readonly configure: (ports: Ports, pair: PairFiles, home: string) => string
}

const proxies: readonly Proxy[] = [
  {
    name: 'nginx',
    program: 'nginx',
    args: (file) => ['-e', 'stderr', '-c', file],
    file: 'nginx.conf',
    signal: 'SIGTERM',
    configure({ gateway, tls, plain }, { certificate, key }, home) {
      const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (one) => `${one}_temp_path ${home}/${one};`,
      )
      const text = example('nginx.conf')
        .replace('127.0.0.1:3002', `127.0.0.1:${gateway}`)
        .replace('listen 443', `listen 127.0.0.1:${tls}`)
        .replace('listen 80;', `listen 127.0.0.1:${plain};`)
        .replace('/etc/nginx/tls/fullchain.pem', certificate)
        .replace('/etc/nginx/tls/privkey.pem', key)
        .replace('http {', `http {\naccess_log off;\n${places.join('\n')}`)
      const user = process.getuid?.() === 0 ? 'user root;\n' : ''
      return `daemon off;\npid ${home}/pid;\nerror_log stderr;\n${user}${text}`
    },
  },
  {
    name: 'Caddy',
    program: 'caddy',
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    file: 'Caddyfile',
    signal: 'SIGKILL',
    configure({ gateway, tls, plain }, { certificate, key }) {
      const text = example('Caddyfile')
        .replace('portcullis:3002', `127.0.0.1:${gateway}`)
        .replace('mcp.example.com {', `mcp.example.com {\n\ttls ${certificate} ${key}`)
      // HTTP/3 would need the UDP port, by which the tests keep the other one to themselves.
      const servers = 'servers {\n\t\tprotocols h1 h2\n\t}'
      const places = `http_port ${plain}\n\thttps_port ${tls}\n\tdefault_bind 127.0.0.1`
      return `{\n\tadmin off\n\t${places}\n\t${servers}\n}\n${text}`
    },
  },
]

/** Runs each proxy with its example, in front of a gate. */
export function testProxies(): void {
  for (const proxy of proxies) {
    describe(`${proxy.name} with the example`, { timeout: 120_000 }, () => {
      let ports: Ports
      let running: ServingProgram
      let home: string
      let streamer: Streamer
      let installation: Installation
      let send: typeof fetch
      let authorities: string
      before(async () => {
        home = mkdtempSync(join(tmpdir(), 'portcullis-proxy-'))
        ports = { gateway: await freePort(), tls: await freePort(), plain: await freePort() }
        streamer = await startStreamer()
        installation = await startInstallation({
          config: {
            mode: 'production',
            publicUrl,
            listen: { gateway: ports.gateway, noticeSeconds: 0 },
            trustedProxies: ['127.0.0.1'],
            upstreams: [
              {
                name: 'streamer',
                path: '/mcp',
                url: streamer.url,
                transport: 'streamable-http',
                era: 'legacy',
              },
            ],
          },
        })
        const people = await openPeople(installation)
        await people.add({ name: 'ada', password: goodPassword })
        await people.close()
        const pair = makeCertificate({ names: 'DNS:mcp.example.com' })
        authorities = pair.cert
        const file = join(home, proxy.file)
        writeFileSync(file, proxy.configure(ports, writePair(pair), home))
        const environment = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home }
        const program = await findProgram(proxy.program)
        send = publicFetch({ port: ports.tls, authorities })
        running = await startProgram([program, ...proxy.args(file)], {
          name: proxy.name,
          attempt: () => send(publicUrl),
          signal: proxy.signal,
          env: environment,
        })
      })
      after(async () => {
        await running.stop()
        await installation.close()
        await streamer.close()
        rmSync(home, { recursive: true, force: true })
      })

      for (const allowH2 of [false, true]) {
        it(`has metadata and challenges of the public URL, over ${allowH2 ? 'HTTP/2' : 'HTTP/1.1'}`, async () => {
          const ask = publicFetch({ port: ports.tls, authorities, allowH2 })
          const metadata = await ask(`${publicUrl}/.well-known/oauth-protected-resource/mcp`)
          assert.equal(((await metadata.json()) as { resource: string }).resource, `${publicUrl}/mcp`)
          const refused = await ask(`${publicUrl}/mcp`, { method: 'POST' })
          assert.equal(refused.status, 401)
          assert.ok(
            refused.headers
              .get('www-authenticate')
              ?.includes(`${publicUrl}/.well-known/oauth-protected-resource/mcp`),
          )
        })
      }

      it('signs in, and brings what a server says at once', async () => {
        const { token, session } = await begin()
        const stream = await send(`${publicUrl}/mcp`, {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
        })
        assert.equal(stream.status, 200)
        let heard = ''
        void (async () => {
          for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>)
            heard += Buffer.from(chunk).toString()
        })().catch(() => undefined)
        const news = {
          jsonrpc: '2.0',
          method: 'notifications/message',
          params: { level: 'info', data: 'now' },
        }
        const began = performance.now()
        streamer.streams.at(-1)?.write(`data: ${JSON.stringify(news)}\n\n`)
        await until(() => heard.includes('"now"'), 'the message comes')
        assert.ok(performance.now() - began < 500, 'nothing waits in the proxy')
      })

      it('shows soon, over HTTP/2, the head of a stream on which nothing is said', async (test) => {
        const { token, session } = await begin()
        const { answer } = streamer
        test.after(() => streamer.answerWith(answer))
        streamer.answerWith((_request, res) =>
          res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
        )
        const ask = publicFetch({ port: ports.tls, authorities, allowH2: true })
        const stream = await ask(`${publicUrl}/mcp`, {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
          signal: AbortSignal.timeout(5000),
        })
        assert.equal(stream.status, 200)
        await stream.body?.cancel()
      })

      it('tells the gateway when a client has left', async () => {
        const { token, session } = await begin()
        const leaving = new AbortController()
        const stream = await send(`${publicUrl}/mcp`, {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
          signal: leaving.signal,
        })
        assert.equal(stream.status, 200)
        const held = streamer.streams.at(-1)
        assert.ok(held !== undefined && !held.closed)
        leaving.abort()
        await until(() => held.closed, 'the server is let go', 5000)
      })

      it('lets the gateway refuse what is too large', async () => {
        const { token } = await begin()
        const answer = await send(`${publicUrl}/mcp`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            jsonrpc: '2.0',
            id: 1,
            method: 'ping',
            params: { x: 'x'.repeat(4.5 * 2 ** 20) },
          }),
        })
        assert.equal(answer.status, 413)
        assert.match(answer.headers.get('content-type') ?? '', /json/)
      })

      it('tells whose request it is, whatever the client claims', async () => {
        const headers = { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=198.51.100.8' }
        await (await send(`${publicUrl}/mcp`, { method: 'POST', headers })).text()
        assert.equal((await installation.audit()).at(-1)?.address, clientAddress)
      })

      it('sends from http to https', async () => {
        const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
        get(
          { host: '127.0.0.1', port: ports.plain, path: '/mcp?a=1', headers: { host: 'mcp.example.com' } },
          resolve,
        )
        const { location } = (await promise).resume().headers
        assert.equal(location, `${publicUrl}/mcp?a=1`)
      })

      const begin = async (): Promise<{ token: string; session: Record<string, string> }> => {
        const oauth = new OAuthClient(publicUrl, 'user-client', undefined, send)
        const browser = new FormBrowser({ fill: { name: 'ada', password: goodPassword }, send })
        const { access_token: token } = await oauth.signIn(
          { scope: 'mcp:*', resource: `${publicUrl}/mcp` },
          browser,
        )
        const opened = await send(`${publicUrl}/mcp`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
          },
          body: JSON.stringify(initialize),
        })
        assert.equal(opened.status, 200)
        await opened.text()
        return { token, session: { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' } }
      }
    })
  }
}
