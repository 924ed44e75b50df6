import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClientError, type Configuration, WWWAuthenticateChallengeError } from 'openid-client'
import { ProviderAway, ProviderRefused } from '../../src/identity/provider-contract.ts'
import { IssuerAway } from '../../src/issuer/discover-issuer.ts'
import { explainFailure } from '../../src/issuer/explain-failure.ts'
import { keepIssuer } from '../../src/issuer/kept-issuer.ts'
import { movableClock } from '../support/movable-clock.ts'

describe('the metadata of an issuer, once it was read', () => {
  const open = () => {
    const clock = movableClock()
    const readings: (Configuration | Error)[] = []
    let asked = 0
    const read = keepIssuer(async () => {
      asked++
      const next = readings.shift() ?? new Error('nothing')
      if (next instanceof Error) throw next
      return next
    }, clock)
    return { clock, readings, read, asked: () => asked }
  }
  const [one, two] = [{}, {}] as [Configuration, Configuration]
  const hour = 3600_000

  it('is kept for an hour, and read once for all who wait', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(one, two)
    assert.deepEqual(await Promise.all([read(), read(), read()]), [one, one, one])
    clock.advance(hour - 1000)
    assert.equal(await read(), one)
    assert.equal(asked(), 1)
    clock.advance(1000)
    assert.equal(await read(), two)
    assert.equal(asked(), 2)
  })

  it('goes on where it cannot be read anew, which is tried again after five seconds', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(one, new Error('away'), new Error('away'), two)
    await read()
    clock.advance(hour)
    for (let time = 0; time < 3; time++) assert.equal(await read(), one)
    assert.equal(asked(), 2)
    clock.advance(5000)
    assert.equal(await read(), one)
    assert.equal(asked(), 3)
    clock.advance(5000)
    assert.equal(await read(), two)
  })

  it('that was never read is told to be missing, without asking for it each time', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(new Error('away'), one)
    for (let time = 0; time < 3; time++) await assert.rejects(read(), /away/)
    assert.equal(asked(), 1)
    clock.advance(5000)
    assert.equal(await read(), one)
  })
})

describe('what went wrong at a provider', () => {
  const answer = (status: number): Response => new Response(null, { status })
  const challenge = (status: number) =>
    new WWWAuthenticateChallengeError('challenged', {
      cause: [{ scheme: 'bearer', parameters: {} }],
      response: answer(status),
    } as never)
  const failed = (cause: unknown, code?: string): Error =>
    Object.assign(new ClientError('failed', { cause }), { code })

  for (const [what, error, kind, message] of [
    ['its metadata cannot be had', new IssuerAway('x cannot be reached'), ProviderAway, /cannot be reached/],
    ['an access token that is refused', challenge(401), ProviderRefused, /not accepted/],
    ['a challenge that is about something else', challenge(403), ProviderAway, /status 403/],
    ['400 without a reason', failed(answer(400), 'OAUTH_RESPONSE_IS_NOT_CONFORM'), ProviderRefused, /is 400/],
    ['500 without a reason', failed(answer(500), 'OAUTH_RESPONSE_IS_NOT_CONFORM'), ProviderAway, /no answer/],
    [
      'a proof that fails',
      failed(new Error('why'), 'OAUTH_INVALID_RESPONSE'),
      ProviderRefused,
      /failed: why/,
    ],
    [
      'a proof that fails for no reason',
      failed(undefined, 'OAUTH_INVALID_RESPONSE'),
      ProviderRefused,
      /failed/,
    ],
    ['silence', failed(new Error('late'), 'OAUTH_TIMEOUT'), ProviderAway, /no answer: failed/],
    ['what is no error', 'a text', ProviderAway, /no answer: a text/],
  ] as const)
    it(`is a ${kind.name}: ${what}`, () => {
      const explained = explainFailure(error)
      assert.ok(explained instanceof kind)
      assert.match(explained.message, message)
    })
})
