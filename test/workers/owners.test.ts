import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, stat } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Owners, openOwners } from '../../src/compose/owners.ts'
import { shareOf } from '../../src/compose/share-limits.ts'
import { errorKinds, Refusal, toRefusal } from '../../src/core/errors.ts'
import { StoreAway } from '../../src/core/store-away.ts'
import { breaker } from '../../src/upstream/breaker.ts'
import type { Connector, UpstreamRequest } from '../../src/upstream/contract.ts'
import { movableClock } from '../support/movable-clock.ts'

const count = 2
const newFolder = async (): Promise<string> => join(await mkdtemp(join(tmpdir(), 'owners-')), 'sockets')

/** The owners of one worker, with how to open more in its folder. */
async function open(test: TestContext, index: number, folder: string): Promise<Owners> {
  const owners = await openOwners({ index, count, folder }, (error) => assert.fail(String(error)))
  test.after(() => owners.close())
  return owners
}

const requestOf = (principal: string): UpstreamRequest => ({
  method: 'POST',
  headers: [],
  body: Buffer.from('{}'),
  era: 'modern',
  id: 1,
  opensSession: false,
  cancels: false,
  principal,
  session: undefined,
  renewal: undefined,
})

/** A connector that says who it is, and whether it was closed. */
function named(name: string): Connector & { closed: number } {
  return {
    closed: 0,
    async send(_request, { res, accept }) {
      accept(200, {})
      res.writeHead(200).end(name)
    },
    async close() {
      this.closed++
    },
  }
}

/** Returns who answers a request that goes through a connector, or why nobody does. */
async function answerOf(connector: Connector, request: UpstreamRequest): Promise<string> {
  const server = createServer((_req, res: ServerResponse) => {
    const accept = (status: number) => ({ status, headers: [] })
    connector.send(request, { res, accept }).catch((error: unknown) => res.end(toRefusal(error).code))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()
  } finally {
    server.close()
  }
}

const callers = Array.from({ length: 16 }, (_, index) => `caller ${index}`)

/** A caller whose conversations are in the worker that answers with its `index`. */
async function callerOf(connector: Connector, index: number): Promise<string> {
  for (const caller of callers)
    if ((await answerOf(connector, requestOf(caller))) === String(index)) return caller
  return assert.fail('one worker owns all of them')
}

describe('conversations that workers share', { timeout: 30_000 }, () => {
  it('are in one worker for each caller, whichever a request comes to, and in all of them altogether (A72)', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    const connectors = workers.map((owners, index) => owners.at('files')('stdio', named(`worker ${index}`)))
    const owned = new Set<string>()
    for (const caller of callers) {
      const [first = '', second] = await Promise.all(
        connectors.map((one) => answerOf(one, requestOf(caller))),
      )
      assert.equal(first, second, caller)
      owned.add(first)
    }
    assert.deepEqual([...owned].toSorted(), ['worker 0', 'worker 1'])
  })

  it('end with their error where an answer that has begun fails, and are not cut off', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const text = 'x'.repeat(8 << 20)
    const connectors = workers.map((owners) =>
      owners.at('files')('stdio', {
        async send(_request, { res, accept }) {
          accept(200, {})
          res.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
          throw new Refusal('upstream_unreachable')
        },
        close: async () => {},
      }),
    )
    const ask = (one: Connector): Promise<string> =>
      answerOf({ ...one, send: (...sent) => one.send(...sent).catch(() => undefined) }, requestOf('ada'))
    const lengths = connectors.map(async (one) => (await ask(one)).length)
    assert.deepEqual(await Promise.all(lengths), [text.length, text.length])
  })

  it('stay together where something else than the caller says what does', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const connectors = workers.map((owners, index) =>
      owners.at('files')('stdio', named(`worker ${index}`), () => 'all'),
    )
    const answers = callers.flatMap((caller) => connectors.map((one) => answerOf(one, requestOf(caller))))
    assert.equal(new Set(await Promise.all(answers)).size, 1)
  })

  it('are those of the server and the way that a request is for, of the newest configuration', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)] as const
    const ask = (connector: Connector): Promise<string> => answerOf(connector, requestOf('ada'))
    const owner = named('files')
    const old = named('old')
    const older = workers.map((owners) => owners.at('files')('sse', old))
    const newer = workers.map((owners) => owners.at('files')('sse', owner))
    const mail = workers.map((owners) => owners.at('mail')('sse', named('mail')))
    for (const one of older) await one.close()
    assert.equal(old.closed, 2)
    assert.deepEqual(await Promise.all([...newer, ...mail].map(ask)), ['files', 'files', 'mail', 'mail'])
    for (const one of newer) await one.close()
    const after = await Promise.all(newer.map(ask))
    assert.deepEqual(
      after.toSorted(),
      ['files', 'gateway_interrupted'],
      'its own way is still there, but nobody else’s',
    )
  })

  it('are in the worker that took the place of another one', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)] as const
    const [here, there] = workers.map((owners, index) =>
      owners.at('files')('stdio', named(`worker ${index}`)),
    )
    let caller = callers[0] as string
    for (const one of callers) if ((await answerOf(there!, requestOf(one))) === 'worker 1') caller = one
    const next = await open(test, 1, folder)
    next.at('files')('stdio', named('its successor'))
    assert.equal(await answerOf(here!, requestOf(caller)), 'its successor')
  })

  it('are cut off when their worker ends, which waits for none', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const connectors = workers.map((owners, index) => owners.at('files')('stdio', named(String(index))))
    const owner = Number(await answerOf(connectors[0]!, requestOf('ada')))
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const silent: Connector = {
      send: () => (resolve(), new Promise(() => undefined)),
      close: async () => undefined,
    }
    const silents = workers.map((owners) => owners.at('files')('sse', silent))
    const answer = answerOf(silents[1 - owner]!, requestOf('ada'))
    await asked
    await workers[owner]?.close()
    assert.equal(await answer, 'gateway_interrupted')
  })

  it('say nothing about the server when their worker ends, so that nobody else is kept from it (A71, A72)', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const connectors = workers.map((owners, index) => owners.at('files')('stdio', named(String(index))))
    const owner = Number(await answerOf(connectors[0]!, requestOf('ada')))
    const own = await callerOf(connectors[0]!, 1 - owner)
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const server: Connector = {
      send: (request, reply) =>
        request.principal === 'ada'
          ? (resolve(), new Promise(() => undefined))
          : named('there').send(request, reply),
      close: async () => undefined,
    }
    const ways = workers.map((owners) => owners.at('files')('sse', server))
    const clock = movableClock()
    const spared = breaker(ways[1 - owner]!, {
      failures: 1,
      restSeconds: 10,
      clock,
      onChange() {},
      personOf: String,
    })
    const waiting = answerOf(spared, requestOf('ada'))
    await asked
    await workers[owner]?.close()
    assert.equal(await waiting, 'gateway_interrupted', 'cut off')
    assert.equal(await answerOf(spared, requestOf('ada')), 'gateway_interrupted', 'not there')
    assert.equal(await answerOf(spared, requestOf(own)), 'there')
  })

  it('end with an error for who is answered in a stream when their worker ends (A71)', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const connectors = workers.map((owners, index) => owners.at('files')('stdio', named(String(index))))
    const owner = Number(await answerOf(connectors[0]!, requestOf('ada')))
    const streaming: Connector = {
      send(_request, { res, accept }) {
        const { status, headers } = accept(200, { 'content-type': 'text/event-stream' })
        res.writeHead(status, headers as string[]).flushHeaders()
        return new Promise(() => undefined)
      },
      close: async () => undefined,
    }
    const [reach] = workers.map((owners) => owners.at('files')('sse', streaming)).toSpliced(owner, 1)
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const answer = answerOf(
      {
        send: (request, { accept, ...reply }) =>
          reach!.send(request, {
            ...reply,
            accept(...head) {
              setImmediate(resolve)
              return accept(...head)
            },
          }),
        close: async () => undefined,
      },
      requestOf('ada'),
    )
    await begun
    await workers[owner]?.close()
    const [, error] = /^data: (.*)$/m.exec(await answer) ?? []
    const { message } = errorKinds.gateway_interrupted
    assert.deepEqual(JSON.parse(error ?? '{}'), { jsonrpc: '2.0', id: 1, error: { code: 502, message } })
  })

  it('say so in whichever worker they are if the store is away (A71)', async (test) => {
    const folder = await newFolder()
    const faults: unknown[] = []
    const workers = await Promise.all(
      [0, 1].map((index) => openOwners({ index, count, folder }, (fault) => faults.push(fault))),
    )
    for (const one of workers) test.after(() => one.close())
    const away = new StoreAway(new Error('connection refused'))
    const lost: Connector = { send: () => Promise.reject(away), close: async () => undefined }
    const connectors = workers.map((owners) => owners.at('files')('stdio', lost))
    const answers = await Promise.all(connectors.map((one) => answerOf(one, requestOf('ada'))))
    assert.deepEqual(answers, ['keys_unavailable', 'keys_unavailable'])
    assert.deepEqual(faults, [away])
  })

  it('are asked for by no worker that has ended', async (test) => {
    const folder = await newFolder()
    const workers = [await open(test, 0, folder), await open(test, 1, folder)]
    const connectors = workers.map((owners, index) => owners.at('files')('stdio', named(String(index))))
    const owner = Number(await answerOf(connectors[0]!, requestOf('ada')))
    await workers[1 - owner]?.close()
    assert.equal(await answerOf(connectors[1 - owner]!, requestOf('ada')), 'gateway_interrupted')
  })

  it('have no socket where their place cannot be taken', async () => {
    const folder = await newFolder()
    await mkdir(join(folder, '0', 'in-the-way'), { recursive: true })
    await assert.rejects(
      openOwners({ index: 0, count, folder }, () => undefined),
      {
        name: 'WorkerFolderUnusable',
      },
    )
    assert.equal(existsSync(join(folder, `0-${process.pid}`)), false)
  })
})

it('what a server can bear is divided among workers, of which each has at least one', () => {
  const place = { index: 0, count: 4, folder: '' }
  assert.deepEqual(
    [100, 10, 3, 1].map((most) => [shareOf(most, undefined), shareOf(most, place)]),
    [
      [100, 25],
      [10, 2],
      [3, 1],
      [1, 1],
    ],
  )
})
