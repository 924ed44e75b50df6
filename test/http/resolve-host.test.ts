import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { hostResolver } from '../../src/http/resolve-host.ts'
import { createSafeFetch, FetchRefused } from '../../src/http/safe-fetch.ts'
import { countingListener } from '../support/counting-listener.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'

const v4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))
const v6 = (hex: string): Buffer => Buffer.from(hex.padStart(32, '0'), 'hex')

let rebinding = 0
const zone: Readonly<Record<string, () => readonly Buffer[] | undefined>> = {
  'A both.example': () => [v4('8.8.8.8'), v4('8.8.4.4')],
  'AAAA both.example': () => [v6('20014860486000000000000000008888')],
  'A inner.example': () => [v4('127.0.0.1')],
  'A mixed.example': () => [v4('8.8.8.8')],
  'AAAA mixed.example': () => [v6('1')],
  'A rebinding.example': () => [v4(rebinding++ === 0 ? '127.0.0.1' : '127.0.0.2')],
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

const resolver = () => hostResolver({ milliseconds: 300, servers: [names.address] })

describe('names of hosts that strangers chose (A51, R7)', () => {
  it('stand for all their addresses, of both families', async () => {
    assert.deepEqual(await resolver()('both.example'), [
      { address: '8.8.8.8', family: 4 },
      { address: '8.8.4.4', family: 4 },
      { address: '2001:4860:4860::8888', family: 6 },
    ])
  })

  it('do not hold anything up: a name server that says nothing has its time', async () => {
    await assert.rejects(resolver()('silent.example'), /has no address/)
    await assert.rejects(resolver()('unknown.example'), /has no address/)
  })

  it('are not asked for where localhost is meant, which is this computer', async () => {
    for (const name of ['localhost', 'LOCALHOST.', 'x.localhost'])
      assert.deepEqual((await resolver()(name))[0], { address: '127.0.0.1', family: 4 })
    assert.ok(names.asked.every((question) => !/localhost/i.test(question)))
  })

  it('lead nowhere inside, by a real name server too, and are asked for once', async () => {
    const first = await countingListener()
    const second = await countingListener({ host: '127.0.0.2', port: first.port })
    const options = {
      userAgent: 'test',
      maxBytes: 100,
      milliseconds: 1000,
      running: { perHost: 2, total: 2 },
      port: first.port,
      resolve: resolver(),
    }
    const outside = createSafeFetch({ ...options, allowLoopback: false })
    for (const name of ['inner.example', 'mixed.example'])
      await assert.rejects(outside(`https://${name}:${first.port}/`), /not on the public internet/)
    assert.equal(first.connections(), 0)
    const onLoopback = createSafeFetch({ ...options, allowLoopback: true })
    await assert.rejects(onLoopback(`https://rebinding.example:${first.port}/`), FetchRefused)
    assert.deepEqual([first.connections(), second.connections(), rebinding], [1, 0, 1])
    await first.close()
    await second.close()
  })
})
