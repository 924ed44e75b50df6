import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as endOfTurn, setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { AddressUnusable, drain, listen, PortForbidden, PortTaken } from '../../src/http/listen.ts'
import { makeCertificate } from '../support/local-tls.ts'
import { pretendPlatform } from '../support/pretend-platform.ts'
import { until } from '../support/until.ts'

describe('listening', () => {
  for (const [platform, said] of [
    [
      'linux',
      /^port 443 for the gateway .*: grant it .*CAP_NET_BIND_SERVICE.*, or choose .* listen\.gateway$/,
    ],
    ['darwin', /^port 443 for the gateway .* by this user: choose another port with .* listen\.gateway$/],
  ] as const)
    it(`says what to do on ${platform} where a user may not take a low port`, async (test) => {
      pretendPlatform(test, platform)
      const server = createServer()
      server.listen = () => {
        const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
        setImmediate(() => server.emit('error', error))
        return server
      }
      const place = { name: 'gateway', host: '0.0.0.0', port: 443, fix: '--port or listen.gateway' }
      await assert.rejects(listen(server, place), (error) => {
        assert.ok(error instanceof PortForbidden)
        assert.match(error.message, said)
        return true
      })
    })

  it('says what is wrong with an address that is not of this machine, and which setting names it', async () => {
    for (const [code, why] of [
      ['EADDRNOTAVAIL', 'not an address of this machine'],
      ['EINVAL', 'not one to listen at, or lacks its interface (fe80::1%eth0)'],
      ['ENOTFOUND', 'a name without a known address'],
    ] as const) {
      const server = createServer()
      server.listen = () => {
        setImmediate(() => server.emit('error', Object.assign(new Error(code), { code })))
        return server
      }
      const place = { name: 'gateway', host: 'far.example', port: 0, fix: '', hostFix: 'listen.host' }
      await assert.rejects(listen(server, place), (error) => {
        assert.ok(error instanceof AddressUnusable)
        assert.equal(
          error.message,
          `far.example for the gateway is ${why}: choose an address of this machine with listen.host, such as 127.0.0.1, or 0.0.0.0 for all of them`,
        )
        return true
      })
    }
  })

  it('does not tell an operator to stop the very process that says so', async (test) => {
    const place = { name: 'gateway', host: '127.0.0.1', fix: 'listen.admin' }
    const first = createServer()
    test.after(() => first.close())
    const port = await listen(first, { ...place, port: 0 })
    await assert.rejects(listen(createServer(), { ...place, name: 'admin', port }), (error) => {
      assert.ok(error instanceof PortTaken)
      assert.match(
        error.message,
        /by another listener of this very process: give each a port of its own, with/,
      )
      return true
    })
  })
})

describe('draining', () => {
  for (const scheme of ['http', 'https'] as const)
    it(`answers a request that was on its way over ${scheme} when it began, and takes no new connection`, {
      timeout: 60_000,
    }, async (test) => {
      test.mock.timers.enable({ apis: ['setInterval'] })
      const pair = makeCertificate()
      const answer = (_req: IncomingMessage, res: ServerResponse): void => void res.end('answered')
      const server = scheme === 'http' ? createServer(answer) : createTlsServer(pair, answer)
      const port = await listen(server, { name: 'test', host: '127.0.0.1', port: 0, fix: '' })
      assert.equal((server.address() as AddressInfo).address, '127.0.0.1')
      const accepted = once(server, scheme === 'http' ? 'connection' : 'secureConnection')
      const socket =
        scheme === 'http'
          ? connect(port, '127.0.0.1')
          : connectTls({ port, host: '127.0.0.1', ca: pair.cert })
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      const ended = once(socket, 'close')
      await accepted
      const drained = drain(server, 3_600_000)
      await assert.rejects(fetch(`http://127.0.0.1:${port}`))
      test.mock.timers.tick(500)
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await until(() => text.endsWith('answered'))
      test.mock.timers.tick(500)
      await Promise.all([drained, ended])
      assert.match(text, /^HTTP\/1.1 200 .*answered$/s)
    })

  it('does not wait for a connection that is idle between two requests', async () => {
    const server = createServer((_req, res) => res.end('answered'))
    const port = await listen(server, { name: 'test', host: '127.0.0.1', port: 0, fix: '' })
    assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'answered')
    await drain(server, 3_600_000)
    assert.equal(server.listening, false)
  })

  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
  /** A server, and a connection to it that is idle after a first answer. */
  async function keepConnection(test: TestContext, answer: RequestListener) {
    const server = createServer(answer)
    const port = await listen(server, { name: 'test', host: '127.0.0.1', port: 0, fix: '' })
    const socket = connect(port, '127.0.0.1')
    test.after(() => socket.destroy())
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    const ended = once(socket, 'close')
    socket.write(request)
    await until(() => text.endsWith('answered'))
    return { server, socket, ended, answers: () => text.match(/answered/g)?.length }
  }

  it('answers what has arrived on an idle connection of a process that was busy until then', async (test) => {
    const { server, socket, ended, answers } = await keepConnection(test, (_req, res) => res.end('answered'))
    await endOfTurn() // timers are next, and only then what has arrived
    const drained = drain(server, 3_600_000)
    socket.write(request)
    const began = performance.now()
    while (performance.now() - began < 200);
    await Promise.all([drained, ended])
    assert.equal(answers(), 2)
  })

  it('answers a last call on an idle connection, whose client cannot know yet, and closes it with the answer', async (test) => {
    let isLast = false
    const { server, socket, ended, answers } = await keepConnection(test, (_req, res) => {
      if (isLast) res.setHeader('Connection', 'close')
      res.end('answered')
    })
    isLast = true
    const drained = drain(server, 3_600_000, 3_600_000)
    await wait(200)
    socket.write(request)
    await Promise.all([drained, ended])
    assert.equal(answers(), 2)
  })
})
