import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { userCodeAttempts } from '../../src/authorization-server/device/user-code-attempts.ts'
import { knownBrowsers } from '../../src/authorization-server/login/known-browser.ts'
import { renewSessionsAtLogin } from '../../src/authorization-server/login/renew-sessions.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { siteOf } from '../../src/core/site.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import { movableClock } from '../support/movable-clock.ts'

const day = 24 * 3600 * 1000
const ada = { id: 'usr_ada', displayName: 'Ada' }

describe('a browser that is known', () => {
  const secret = masterSecret(new Uint8Array(32).fill(1))
  const open = (given = secret) => {
    const clock = movableClock()
    const jar = new Map<string, string>()
    const cookies = {
      get: (name: string) => jar.get(name),
      set: (name: string, value: string) => jar.set(name, value),
    }
    const provider = { createContext: () => ({ cookies }) } as never
    const settings = { secret: given, site: siteOf('https://mcp.example.com'), clock } as never
    return { browsers: knownBrowsers(provider, settings), clock, jar }
  }
  const visit = {} as never

  it('is so for half a year, to who sealed its cookie, and says who signed in', () => {
    const { browsers, clock, jar } = open()
    assert.equal(browsers.read(visit), undefined)
    browsers.remember(visit, ada)
    assert.equal(browsers.read(visit)?.accountId, 'usr_ada')
    const stranger = open(masterSecret(new Uint8Array(32).fill(2)))
    for (const [name, value] of jar) stranger.jar.set(name, value)
    assert.equal(stranger.browsers.read(visit), undefined)
    clock.advance(179 * day)
    assert.equal(browsers.read(visit)?.accountId, 'usr_ada')
    clock.advance(day)
    assert.equal(browsers.read(visit), undefined)
  })

  it('is known since no earlier than other logins ended: another clock may be ahead', () => {
    const { browsers, clock } = open()
    const loginsSince = clock.now() + 10_000
    browsers.remember(visit, { ...ada, loginsSince })
    assert.equal(browsers.read(visit)?.since, loginsSince)
    const before = clock.now()
    browsers.remember(visit, { ...ada, loginsSince: 1 })
    assert.ok((browsers.read(visit)?.since ?? 0) >= before)
  })
})

describe('a session', () => {
  it('gets a new identifier when somebody else logs in, or anew, and not while one login is repeated (A58)', () => {
    let renewed = 0
    class Session {
      declare accountId?: string
      declare loginTs?: number
      loginAccount(details: { accountId: string; loginTs: number }): void {
        Object.assign(this, details)
      }
      resetIdentifier(): void {
        renewed++
      }
    }
    renewSessionsAtLogin({ Session } as never)
    const session = new Session()
    const renewals = [
      { accountId: 'ada', loginTs: 5 },
      { accountId: 'ada', loginTs: 5 },
      { accountId: 'eve', loginTs: 5 },
      { accountId: 'eve', loginTs: 6 },
    ].map((login) => {
      session.loginAccount(login)
      return renewed
    })
    session.resetIdentifier()
    assert.deepEqual([...renewals, renewed], [1, 1, 2, 3, 3])
    Object.assign(new Session(), { new: true }).loginAccount({ accountId: 'ada', loginTs: 5 })
    assert.equal(renewed, 3, 'nobody knows that of one that has just begun')
  })
})

describe('guesses of user codes', () => {
  it('are counted by network, and right ones are not (RFC 8628 section 5.1)', async () => {
    const attempts = userCodeAttempts(countWith(inMemory))
    for (let guess = 0; guess < 10; guess++)
      assert.ok(await attempts.begin(`2001:db8::${guess}`), `guess ${guess}`)
    await attempts.forgive('2001:db8::ff')
    assert.ok(await attempts.begin('2001:db8::aa'))
    assert.ok(!(await attempts.begin('2001:db8::bb')))
    assert.ok(await attempts.begin('2001:db8:1::1'))
  })
})
