import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { type Installation, startInstallation } from '../support/installation.ts'

describe('a listing of the dashboard', () => {
  let installation: Installation
  let operator: DashboardVisitor
  before(async () => {
    installation = await startInstallation()
    operator = await openDashboard(await installation.dashboardLink())
    const { store } = await openConfiguredStore(
      loadConfig({ base: { data: installation.data } }),
      systemClock,
    )
    const put = (model: string, number: number, accountId?: string) => {
      const expiresAt = Date.now() + 3_600_000 - number * 1000
      const payload = {
        jti: `${model}-${number}`,
        accountId,
        clientId: 'user-client',
        iat: 1,
        loginTs: 1,
        exp: 1,
        uid: `${number}`,
      }
      return store.artifacts.put({ model, id: payload.jti, uid: payload.uid, payload, accountId, expiresAt })
    }
    const numbers = Array.from({ length: 120 }, (_, number) => number)
    await Promise.all(numbers.map((number) => put('Grant', number, `holder-${number}.`)))
    // What expires last is a browser in which nobody is signed in.
    await Promise.all(numbers.map((number) => put('Session', number)))
    await put('Session', 500, 'late')
    const user = {
      id: 'usr_odd',
      passwordHash: undefined,
      createdAt: 1,
      disabledAt: undefined,
      loginsSince: 0,
    }
    const odd = { name: 'gnp\u202e.ada', displayName: 'Ada\u200b\u2066', provider: 'company' }
    await store.users.add({ ...user, ...odd }, 'odd')
    const metadata = { client_name: 'Ins\u202epector', redirect_uris: ['https://app.example/cb'] }
    const client = { secretHash: undefined, createdAt: 1, usedAt: undefined, expiresAt: undefined }
    await store.clients.register({ id: 'odd-client', source: 'operator', metadata, ...client }, undefined)
    await store.close()
  })
  after(() => installation.close())

  const read = async (
    path: string,
  ): Promise<{ text: string; shown: string[]; place: string | undefined }> => {
    const text = await (await operator.get(path)).text()
    return {
      text,
      shown: [...text.matchAll(/<tr><td>([^<]*)/g)].map(([, cell = '']) => cell),
      place: /<span>([\d a-z]+)<\/span>/.exec(text)?.[1],
    }
  }

  it('says how much there is, and leads to all of it', async () => {
    const first = await read('/grants')
    assert.deepEqual([first.shown.length, first.place], [100, '1 to 100 of 120'])
    const next = /rel="next" href="([^"]+)"/.exec(first.text)?.[1] ?? ''
    const second = await read(next)
    assert.deepEqual([second.shown.length, second.place], [20, '101 to 120 of 120'])
    assert.doesNotMatch(second.text, /rel="next"/)
    assert.equal(new Set([...first.shown, ...second.shown]).size, 120)
    for (const [page, place] of [
      ['999', '101 to 120 of 120'],
      ['-1', '1 to 100 of 120'],
      ['x', '1 to 100 of 120'],
    ])
      assert.equal((await read(`/grants?page=${page}`)).place, place)
  })

  it('shows nothing that could make a name look like another one', async () => {
    const users = await read('/users')
    assert.match(users.text, /<td>gnp\.ada<\/td><td>Ada<\/td>/)
    assert.match((await read('/clients')).text, /<td>Inspector<\/td><td>odd-client<\/td>/)
  })

  it('finds rows, and stays with them after something was done', async () => {
    const { shown, place, text } = await read('/grants?q=HOLDER-11')
    assert.deepEqual([shown.length, place], [11, '1 to 11 of 11'])
    const action = /action="(\/grants\/revoke[^"]*)"/.exec(text)?.[1] ?? ''
    const id = /name="id" value="([^"]+)"/.exec(text)?.[1] ?? ''
    const page = await (await operator.post(action, { id })).text()
    assert.match(page, /1 to 11 of 11/)
    assert.match(page, /value="HOLDER-11"/)
    const none = await read('/grants?q=%3Cb%3E')
    assert.deepEqual([none.shown, none.place], [[], undefined])
    assert.match(none.text, /There is none with “&lt;b&gt;”/)
    assert.deepEqual((await read('/clients?q=MACH')).shown, ['machine'])
  })

  it('has everybody who is signed in, however many browsers are not', async () => {
    const { shown, place } = await read('/sessions')
    assert.deepEqual([shown, place], [['late'], '1 to 1 of 1'])
  })
})
