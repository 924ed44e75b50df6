import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { BuiltGateway } from '../../src/compose/gateway.ts'
import { openRetirement } from '../../src/compose/retirement.ts'

type Note = { readonly upstream?: string; readonly principal?: { readonly issuer: string } }

/** A gateway of named servers, some of which have the connector of another one, and of issuers. */
function build(servers: readonly { name: string; connector?: object }[], issuers: readonly string[] = []) {
  const did: string[] = []
  const idle = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  let isOver = (_note: Note): boolean => false
  const gateway = {
    leave(over: typeof isOver) {
      isOver = over
      return left.promise
    },
    idle: () => idle.promise,
    stop: () => did.push('stop'),
    endStreams: () => did.push('end streams'),
  }
  const upstreams = servers.map(({ name, connector }) => ({
    setting: { name },
    upstream: {
      credential: { close: () => did.push(`credential ${name}`) },
      connector: connector ?? { close: async () => void did.push(`connector ${name}`) },
    },
  }))
  const built = { gateway, upstreams, issuers: issuers.map((issuer) => ({ trusted: { issuer } })) }
  return {
    built: built as unknown as BuiltGateway,
    did,
    idle: idle.resolve,
    left: left.resolve,
    isOver: (note: Note) => isOver(note),
  }
}

const settings = {
  milliseconds: 60_000,
  isShared: false,
  onFault: (error: unknown) => assert.fail(String(error)),
}

describe('a gateway that another one follows', () => {
  it('ends what is of a server or an issuer that is gone, and nothing else', () => {
    const servers = [{ name: 'files' }, { name: 'mail' }]
    const old = build(servers, ['https://gone.test', 'https://there.test'])
    const [, mail] = old.built.upstreams
    const [, there] = old.built.issuers
    openRetirement(settings).retire(old.built, {
      ...old.built,
      upstreams: mail ? [mail] : [],
      issuers: there ? [there] : [],
    })
    const notes = [
      { upstream: 'files' },
      { upstream: 'mail' },
      { upstream: 'mail', principal: { issuer: 'https://gone.test' } },
      { principal: { issuer: 'https://there.test' } },
      {},
    ]
    assert.deepEqual(notes.map(old.isOver), [true, false, true, false, false])
  })

  it('closes a server that is gone once nothing of it runs, but no connection that another one has', async () => {
    const shared = { close: () => assert.fail('it is in use') }
    const old = build([{ name: 'files' }, { name: 'mail', connector: shared }])
    const next = build([{ name: 'mail', connector: shared }])
    const retirement = openRetirement(settings)
    retirement.retire(old.built, next.built)
    await setImmediate()
    assert.deepEqual(old.did, [])
    old.left()
    await setImmediate()
    const closed = ['credential files', 'connector files', 'credential mail']
    assert.deepEqual(old.did, closed)
    await retirement.close()
    assert.deepEqual(old.did, [...closed, 'stop'], 'each of them once')
  })

  it('closes a server once nothing of it runs at any gateway that had it', async () => {
    let closed = 0
    const servers = [{ name: 'files', connector: { close: async () => void closed++ } }]
    const retirement = openRetirement(settings)
    const [first, second, third] = [build(servers), build([]), build([])]
    const same = { ...second.built, upstreams: first.built.upstreams }
    retirement.retire(first.built, same)
    retirement.retire(same, third.built)
    second.left()
    await setImmediate()
    assert.deepEqual([first.isOver({ upstream: 'files' }), closed], [true, 0])
    first.left()
    await setImmediate()
    assert.equal(closed, 1)
  })

  it('waits the whole time where other processes have requests at its servers', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const old = build([{ name: 'files' }])
    openRetirement({ ...settings, isShared: true }).retire(old.built, build([]).built)
    old.left()
    await setImmediate()
    assert.deepEqual(old.did, [])
    test.mock.timers.tick(60_000)
    await setImmediate()
    assert.deepEqual(old.did, ['credential files', 'connector files'])
  })

  it('waits no longer than that for what runs at a server that is gone, and closes it once', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const old = build([{ name: 'files' }])
    openRetirement(settings).retire(old.built, build([]).built)
    test.mock.timers.tick(60_000)
    await setImmediate()
    old.left()
    await setImmediate()
    assert.deepEqual(old.did, ['credential files', 'connector files'])
  })

  it('tells of a server that cannot be closed, early or late', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const faults: unknown[] = []
    const retirement = openRetirement({ ...settings, onFault: (error) => faults.push(error) })
    for (const end of [(old: ReturnType<typeof build>) => old.left(), () => test.mock.timers.tick(60_000)]) {
      const connector = { close: () => Promise.reject(new Error('it hangs')) }
      const old = build([{ name: 'files', connector }])
      retirement.retire(old.built, build([]).built)
      end(old)
      await setImmediate()
      assert.match(String(faults.pop()), /it hangs/)
    }
  })

  it('is stopped when nothing of it runs, and has no more to do with an end', async () => {
    const retirement = openRetirement(settings)
    const old = build([])
    retirement.retire(old.built, build([]).built)
    old.idle()
    await setImmediate()
    retirement.endStreams()
    await retirement.close()
    assert.deepEqual(old.did, ['stop'])
  })

  it('has finished when the last request of any kind is over', async () => {
    const retirement = openRetirement(settings)
    const old = build([])
    retirement.retire(old.built, build([]).built)
    let finished = false
    const finishing = retirement.finish().then(() => {
      finished = true
    })
    await setImmediate()
    assert.equal(finished, false)
    assert.equal(old.isOver({}), true)
    old.left()
    await finishing
  })

  it('ends its streams and closes its servers with all of the process', async () => {
    const retirement = openRetirement(settings)
    const old = build([{ name: 'files' }])
    retirement.retire(old.built, build([]).built)
    retirement.endStreams()
    await retirement.close()
    assert.deepEqual(old.did, ['end streams', 'stop', 'credential files', 'connector files'])
  })
})
