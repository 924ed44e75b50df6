import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import type { RequestListener } from 'node:http'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createSafeFetch, FetchRefused, fetchProblem } from '../../src/http/safe-fetch.ts'
import { type CountingListener, countingListener } from '../support/counting-listener.ts'
import { until } from '../support/until.ts'

type Options = Parameters<typeof createSafeFetch>[0]

const base: Options = {
  allowLoopback: false,
  userAgent: 'Portcullis/test',
  maxBytes: 100,
  milliseconds: 10_000,
  running: { perHost: 2, total: 3 },
}
const loopback: Options = { ...base, allowLoopback: true }

const listeners: CountingListener[] = []
after(() => Promise.all(listeners.map((listener) => listener.close())))
async function listen(answer?: RequestListener, at: { host?: string; port?: number } = {}) {
  const listener = await countingListener({ ...at, ...(answer === undefined ? {} : { answer }) })
  listeners.push(listener)
  return listener
}

const resolvesTo =
  (...addresses: string[]) =>
  async (): Promise<LookupAddress[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

describe('a fetch that a stranger asks for (A51, R7, D10)', () => {
  it('reaches the listener of these tests when loopback is allowed: the control of all that follows', async () => {
    const listener = await listen()
    await createSafeFetch(loopback)(`http://127.0.0.1:${listener.port}/x`)
    assert.equal(listener.connections(), 1)
    const options = { ...loopback, port: listener.port, resolve: resolvesTo('127.0.0.1') }
    await assert.rejects(createSafeFetch(options)(`https://localhost:${listener.port}/x`), FetchRefused)
    assert.equal(listener.connections(), 2, 'by name it gets as far as TLS')
  })

  it('makes no connection to a literal address, in whatever spelling', async () => {
    const listener = await listen()
    const fetchSafely = createSafeFetch({ ...base, port: listener.port })
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '0x7f.0.0.1',
      '127.0.0.1.',
      '0.0.0.0',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
      '[2002:7f00:1::]',
      '%31%32%37.0.0.1',
      '127。0。0。1',
      '10.0.0.1',
      '169.254.169.254',
    ]) {
      await assert.rejects(
        fetchSafely(`https://${host}:${listener.port}/latest/meta-data`),
        /not on the public internet/,
        host,
      )
    }
    assert.equal(listener.connections(), 0)
  })

  it('makes no connection when one address of the name is special', async () => {
    const listener = await listen()
    for (const addresses of [
      ['127.0.0.1'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['0.0.0.0'],
      ['169.254.169.254'],
      ['8.8.8.8', '127.0.0.1'],
      ['127.0.0.1', '2606:4700::1111'],
      [],
    ]) {
      const fetchSafely = createSafeFetch({ ...base, port: listener.port, resolve: resolvesTo(...addresses) })
      await assert.rejects(fetchSafely(`https://name.example:${listener.port}/x`), FetchRefused)
    }
    const withName = async (name: string, ...addresses: string[]): Promise<void> => {
      const options = { ...loopback, port: listener.port, resolve: resolvesTo(...addresses) }
      await assert.rejects(
        createSafeFetch(options)(`https://${name}:${listener.port}/x`),
        /the fetch failed|not on the public internet/,
      )
    }
    for (const name of ['name.example', 'localhost.name.example', 'notlocalhost', 'localhost.localdomain'])
      for (const address of ['127.0.0.1', '::1', '10.0.0.1']) await withName(name, address)
    assert.equal(listener.connections(), 0, 'where loopback is allowed, no name but localhost leads there')
    await withName('localhost', '8.8.8.8')
    await withName('program.localhost', '127.0.0.1')
    assert.equal(listener.connections(), 1, 'which leads nowhere else')
    const named = createSafeFetch({ ...base, port: listener.port })
    await assert.rejects(named(`https://localhost:${listener.port}/x`), /not on the public internet/)
    assert.equal(listener.connections(), 1)
  })

  it('goes to the address that was checked, though the name means another a moment later', async () => {
    const first = await listen()
    const second = await listen(undefined, { host: '127.0.0.2', port: first.port })
    let asked = 0
    const resolve = async (): Promise<LookupAddress[]> => {
      asked += 1
      return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
    }
    const options = { ...loopback, port: first.port, resolve }
    await assert.rejects(createSafeFetch(options)(`https://localhost:${first.port}/x`), FetchRefused)
    assert.equal(asked, 1, 'the name is resolved once')
    assert.deepEqual([first.connections(), second.connections()], [1, 0])
  })

  it('follows no redirect', async () => {
    const target = await listen()
    for (const status of [301, 302, 303, 307, 308]) {
      const origin = await listen((_req, res) => {
        res.writeHead(status, { location: `http://127.0.0.1:${target.port}/` }).end()
      })
      await assert.rejects(createSafeFetch(loopback)(`http://127.0.0.1:${origin.port}/`), /the status 30/)
      assert.equal(origin.connections(), 1)
    }
    assert.equal(target.connections(), 0)
  })

  it('goes to https and port 443 alone', async () => {
    const listener = await listen()
    for (const [url, why] of [
      ['http://8.8.8.8/', /^it is not https$/],
      [`https://name.example:${listener.port}/`, /^its port is not 443$/],
      ['ftp://name.example/', /^it is not https$/],
      ['ftp://localhost/', /^it is not https$/],
      ['file:///etc/passwd', /^it is not https$/],
      ['https://user@name.example/', /^it has user information$/],
      ['https://:secret@name.example/', /^it has user information$/],
      ['not a url', /^it is not a URL$/],
    ] as const) {
      for (const options of [base, loopback]) {
        const resolve = (): Promise<never> => assert.fail(`${url} is refused before its host is looked up`)
        const fetchSafely = createSafeFetch({ ...options, resolve })
        await assert.rejects(fetchSafely(url), { name: 'FetchRefused', message: why }, url)
      }
    }
    assert.equal(listener.connections(), 0)
  })
})

describe('a URL that a stranger names', () => {
  it('is told to be right where it leads to the public internet, by a name or an address', () => {
    for (const url of ['https://name.example/x', 'https://8.8.8.8/', 'https://[2606:4700::1111]/'])
      assert.equal(fetchProblem(url, base), undefined, url)
    assert.equal(fetchProblem('https://10.0.0.1/', base), 'its host is not on the public internet')
    assert.equal(fetchProblem('http://localhost:3000/', loopback), undefined)
  })
})

describe('what such a fetch takes for an answer (A52, R5, R8)', () => {
  const answerOf = async (answer: RequestListener, options = loopback): Promise<Response> => {
    const { port } = await listen(answer)
    return createSafeFetch(options)(`http://127.0.0.1:${port}/document`)
  }

  it('is a 200 with its headers, asked for without credentials and by name', async () => {
    let seen: Record<string, unknown> = {}
    const response = await answerOf((req, res) => {
      seen = { ...req.headers, method: req.method }
      res.writeHead(200, { 'cache-control': 'max-age=7' }).end('{"a":1}')
    })
    assert.deepEqual(await response.json(), { a: 1 })
    assert.equal(response.headers.get('cache-control'), 'max-age=7')
    assert.equal(seen['user-agent'], 'Portcullis/test')
    assert.equal(seen['accept-encoding'], 'identity')
    assert.equal(seen['method'], 'GET')
    assert.ok(!('authorization' in seen) && !('cookie' in seen))
  })

  it('is no other status', async () => {
    for (const status of [201, 204, 304, 404, 500])
      await assert.rejects(
        answerOf((_req, res) => void res.writeHead(status).end()),
        new RegExp(`the status ${status}`),
      )
  })

  it('is nothing compressed, whatever it may unpack to', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    await assert.rejects(
      answerOf((_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb), {
        ...loopback,
        maxBytes: 1_000_000,
      }),
      /compressed/,
    )
  })

  it('has a size: a longer one is cut off, declared or not', async () => {
    let written = 0
    const endless: RequestListener = (_req, res) => {
      const more = (): void => {
        written += 1000
        if (!res.destroyed && res.write('x'.repeat(1000))) setImmediate(more)
      }
      res.writeHead(200)
      res.on('drain', more)
      more()
    }
    await assert.rejects(answerOf(endless), /larger than 100 bytes/)
    const before = written
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(written - before < 1_000_000, 'the other side is not read on')
    await assert.rejects(
      answerOf((_req, res) => void res.end('x'.repeat(101))),
      /larger/,
    )
    assert.equal((await (await answerOf((_req, res) => void res.end('x'.repeat(100)))).text()).length, 100)
  })

  it('comes in time, head and body together', async () => {
    const short = { ...loopback, milliseconds: 150 }
    await assert.rejects(
      answerOf(() => undefined, short),
      /took too long/,
    )
    const drip: RequestListener = (_req, res) => {
      const timer = setInterval(() => res.write(' '), 20)
      res.on('close', () => clearInterval(timer))
    }
    await assert.rejects(answerOf(drip, short), /took too long/)
  })

  it('does not queue up: few at a time from one host, and altogether', async () => {
    const waiting: (() => void)[] = []
    const slow: RequestListener = (_req, res) => void waiting.push(() => res.end('{}'))
    const one = await listen(slow)
    const fetchSafely = createSafeFetch(loopback)
    const start = (host: string): Promise<Response> => fetchSafely(`http://${host}:${one.port}/`)
    const running = [start('127.0.0.1'), start('127.0.0.1')]
    await assert.rejects(start('127.0.0.1'), /too many fetches/)
    running.push(start('localhost'))
    await assert.rejects(start('localhost'), /too many fetches/)
    await until(() => waiting.length === 3, 'three have arrived')
    for (const answer of waiting) answer()
    await Promise.all(running)
    assert.equal(one.connections(), 3)
    const again = start('127.0.0.1')
    await until(() => waiting.length === 4, 'a fourth has arrived')
    waiting[3]?.()
    assert.equal((await again).status, 200, 'a place is free again')
  })
})
