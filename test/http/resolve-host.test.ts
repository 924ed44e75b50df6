import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { hostResolver } from '../../src/http/resolve-host.ts'
import { createSafeFetch } from '../../src/http/safe-fetch.ts'
import { countingListener } from '../support/counting-listener.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'

const v4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))
const v6 = (hex: string): Buffer => Buffer.from(hex.padStart(32, '0'), 'hex')

const zone: Readonly<Record<string, () => readonly Buffer[] | undefined>> = {
  'A both.example': () => [v4('8.8.8.8'), v4('8.8.4.4')],
  'AAAA both.example': () => [v6('20014860486000000000000000008888')],
  'A inner.example': () => [v4('127.0.0.1')],
  'A mixed.example': () => [v4('8.8.8.8')],
  'AAAA mixed.example': () => [v6('1')],
  'A silent.example': () => undefined,
  'AAAA silent.example': () => undefined,
}

let names: NameServer
before(async () => {
  names = await startNameServer((type, name) => {
    const records = zone[`${type} ${name}`]
    return records === undefined ? [] : records()
  })
})
after(() => names.close())

const resolver = (milliseconds = 10_000) => hostResolver({ milliseconds, servers: [names.address] })

describe('names of hosts that strangers chose (A51, R7)', () => {
  it('stand for all their addresses, of both families', async () => {
    assert.deepEqual(await resolver()('both.example'), [
      { address: '8.8.8.8', family: 4 },
      { address: '8.8.4.4', family: 4 },
      { address: '2001:4860:4860::8888', family: 6 },
    ])
  })

  it('do not hold anything up: a name server that says nothing has its time', async () => {
    await assert.rejects(resolver(300)('silent.example'), /has no address/)
    await assert.rejects(resolver()('unknown.example'), /has no address/)
  })

  it('are not asked for where localhost is meant, which is this computer', async () => {
    for (const name of ['localhost', 'LOCALHOST.', 'x.localhost'])
      assert.deepEqual((await resolver()(name))[0], { address: '127.0.0.1', family: 4 })
    assert.ok(names.asked.every((question) => !/localhost/i.test(question)))
  })

  it('lead nowhere inside, by a real name server too, from an installation on loopback neither', async (test) => {
    const listener = await countingListener()
    test.after(() => listener.close())
    for (const allowLoopback of [false, true]) {
      const fetchSafely = createSafeFetch({
        allowLoopback,
        userAgent: 'test',
        maxBytes: 100,
        milliseconds: 10_000,
        running: { perHost: 2, total: 2 },
        port: listener.port,
        resolve: resolver(),
      })
      for (const name of ['inner.example', 'mixed.example'])
        await assert.rejects(fetchSafely(`https://${name}:${listener.port}/`), /not on the public internet/)
    }
    assert.equal(listener.connections(), 0)
  })
})
