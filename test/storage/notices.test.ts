import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openNotices } from '../../src/storage/database/notices.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'
import type { Revocation } from '../../src/storage/revocation-contract.ts'
import { revocationNotices } from '../../src/storage/tables/revocation-notices.ts'
import { revocationStore } from '../../src/storage/tables/revocations.ts'
import { type Engine, postgresEngine, type TestStore } from '../support/engines.ts'
import { until } from '../support/until.ts'

describe('revocations on PostgreSQL', { timeout: 120_000 }, () => {
  let engine: Engine
  let home: TestStore
  let here: Store
  let there: Store
  const heard: Revocation[] = []
  before(async () => {
    engine = await postgresEngine()
    home = await engine.create()
    here = await home.open()
    there = await home.open()
  })
  after(async () => {
    await Promise.all([here.close(), there.close()])
    await home.destroy()
    await engine.stop()
  })

  /** The connections that listen. One that is idle does so: before that, it may not have begun to. */
  const listening = async (): Promise<unknown[]> => {
    const rows = await home.query(
      `select pid from pg_stat_activity where query = 'listen portcullis' and state = 'idle'`,
    )
    return rows.map(({ pid }) => pid)
  }
  const isListening = async (): Promise<boolean> => (await listening()).length > 0
  const connections = async (): Promise<number> =>
    (await home.query(`select 1 from pg_stat_activity where application_name = 'portcullis notices'`)).length
  const revoke = (id: string): Promise<void> =>
    here.revocations.add({ kind: 'grant', id, expiresAt: Date.now() + 60_000 })

  it('are heard by other processes without looking into the store (A72)', async () => {
    there.revocations.subscribe((revocation) => heard.push(revocation))
    await until(isListening)
    await revoke('first')
    await until(() => heard.length > 0)
    assert.deepEqual([heard[0]?.kind, heard[0]?.id], ['grant', 'first'])
    assert.ok((heard[0]?.expiresAt ?? 0) > Date.now())
  })

  it('are not taken from what is no notice of ours, or another tenant’s', async () => {
    for (const text of [
      'x',
      '{}',
      'null',
      '{"tenant":"default","kind":"all","id":"x","expiresAt":1}',
      '{"tenant":"other","kind":"grant","id":"x","expiresAt":1}',
    ])
      await home.query(`select pg_notify('portcullis', '${text}')`)
    await revoke('second')
    await until(() => heard.some(({ id }) => id === 'second'))
    assert.deepEqual(
      heard.map(({ id }) => id),
      ['first', 'second'],
    )
  })

  it('are heard again after the connection was lost', async () => {
    const [lost] = await listening()
    await home.query(`select pg_terminate_backend(${String(lost)})`)
    await until(async () => {
      const now = await listening()
      return now.length > 0 && !now.includes(lost)
    }, 'another one listens')
    await revoke('third')
    await until(() => heard.some(({ id }) => id === 'third'))
  })

  it('are heard on one connection by all who listen, until the last of them stops', async () => {
    const [first, last]: string[][] = [[], []]
    const stops = [first, last].map((ids) => here.revocations.subscribe(({ id }) => ids?.push(id)))
    await until(async () => (await connections()) === 2)
    await until(async () => (await listening()).length === 2)
    await revoke('for both')
    await until(() => first?.at(-1) === 'for both' && last?.at(-1) === 'for both')
    stops[0]?.()
    await revoke('for the last')
    await until(() => last?.at(-1) === 'for the last')
    assert.equal(first?.at(-1), 'for both')
    assert.equal(await connections(), 2)
    stops[1]?.()
    await until(async () => (await connections()) === 1)
  })

  it('that are no longer heard are told once each time', async (test) => {
    const faults: unknown[] = []
    const { url = '' } = home
    const db = await openPostgres({ url, onFault: () => undefined, patience: 1000 })
    const notices = openNotices({ db, url, onFault: (error) => faults.push(error) })
    test.after(async () => {
      await notices.close()
      await db.destroy()
    })
    const told: string[] = []
    notices.hear((text) => told.push(text))
    /** Not before it hears something does a process know that it listens. */
    const hears = (text: string): Promise<void> =>
      until(async () => {
        await notices.send([text])
        return told.includes(text)
      }, `${text} is heard`)
    await hears('the first')
    for (let losses = 1; losses <= 2; losses++) {
      await home.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen portcullis'`,
      )
      await until(() => faults.length >= losses)
      await hears(`the one after ${losses}`)
      assert.equal(faults.length, losses)
    }
  })

  it('need no connection where nobody listens', async () => {
    const stop = here.revocations.subscribe(() => undefined)
    await until(async () => (await connections()) === 2)
    stop()
    await until(async () => (await connections()) === 1)
  })
})

describe('notices of revocations', () => {
  it('bring each kind to others of the tenant, and nothing that is none', async () => {
    const texts: string[] = []
    let tell: (text: string) => void = () => undefined
    const notices = {
      send: async (sent: readonly string[]) => void texts.push(...sent),
      hear(listener: (text: string) => void) {
        tell = listener
        return () => undefined
      },
      close: async () => undefined,
    }
    const heard: Revocation[] = []
    revocationNotices(notices, 'acme').hear((revocation) => heard.push(revocation))
    const all = (['grant', 'token', 'client', 'user'] as const).map((kind) => ({
      kind,
      id: `a ${kind}`,
      expiresAt: 2,
      revokedAt: 1,
    }))
    await revocationNotices(notices, 'acme').tell(all)
    await revocationNotices(notices, 'globex').tell(all)
    const right = { tenant: 'acme', ...all[0] }
    for (const wrong of [{ kind: 'all' }, { id: 1 }, { tenant: 1 }, { expiresAt: '2' }, { revokedAt: null }])
      texts.push(JSON.stringify({ ...right, ...wrong }))
    for (const text of texts) tell(text)
    assert.deepEqual(
      heard.map(({ kind, id }) => [kind, id]),
      all.map(({ kind, id }) => [kind, id]),
    )
  })

  it('that cannot be sent leave the revocation as it is, and are told', async (test) => {
    const db = openSqlite(':memory:')
    test.after(() => db.destroy())
    await migrate(db)
    const faults: unknown[] = []
    const notices = {
      tell: () => Promise.reject(new Error('nobody can be told')),
      hear: () => () => undefined,
    }
    const onFault = (error: unknown): unknown => faults.push(error)
    const revocations = revocationStore({
      db,
      engine: 'sqlite',
      together: undefined,
      tenant: 'acme',
      clock,
      notices,
      onFault,
    })
    await revocations.add({ kind: 'token', id: 'a token', expiresAt: clock.now() + 60_000 })
    assert.equal(await revocations.has('token', 'a token'), true)
    assert.match(String(faults), /nobody can be told/)
  })
})
