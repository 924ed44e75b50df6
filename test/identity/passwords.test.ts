import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fold, nameProblem } from '../../src/identity/names.ts'
import { passwordProblem } from '../../src/identity/password-rules.ts'
import { passwords } from '../../src/identity/passwords.ts'
import { Busy, takeTurns } from '../../src/identity/turns.ts'

const key = new Uint8Array(32).fill(1)
const cheap = { memory: 1024, passes: 1, parallelism: 1 }

describe('password hashes', () => {
  it('are Argon2id in PHC form, at least as costly as OWASP asks, with a salt of their own', async () => {
    const hashing = passwords(key)
    const [one, other] = [await hashing.hash('a password'), await hashing.hash('a password')]
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.notEqual(one, other)
    assert.equal(await hashing.verify('a password', one), true)
    assert.equal(await hashing.verify('another one', one), false)
  })

  it('are worth nothing without the key of the installation', async () => {
    const stored = await passwords(key, cheap).hash('a password')
    assert.equal(await passwords(new Uint8Array(32).fill(2), cheap).verify('a password', stored), false)
  })

  it('are the same for every Unicode form of a password', async () => {
    const hashing = passwords(key, cheap)
    const stored = await hashing.hash('Ａ crème ﬁn'.normalize('NFC'))
    assert.equal(await hashing.verify('A crème fin'.normalize('NFD'), stored), true)
    assert.equal(await hashing.verify('a crème fin', stored), false)
  })

  it('are weak when new ones cost more, and still open', async () => {
    const stored = await passwords(key, cheap).hash('a password')
    const stronger = passwords(key, { memory: 2048, passes: 2, parallelism: 1 })
    assert.equal(stronger.isWeak(stored), true)
    assert.equal(await stronger.verify('a password', stored), true)
    assert.equal(stronger.isWeak(await stronger.hash('a password')), false)
    for (const cost of [
      { memory: 2048, passes: 1, parallelism: 1 },
      { memory: 1024, passes: 2, parallelism: 1 },
    ])
      assert.equal(stronger.isWeak(await passwords(key, cost).hash('a password')), true)
  })

  it('that are none are never right, whatever stands there', async () => {
    const hashing = passwords(key, cheap)
    const good = await hashing.hash('a password')
    for (const stored of [
      undefined,
      '',
      'a password',
      '$argon2id$v=19$m=1024,t=1,p=1$$',
      good.replace('argon2id', 'argon2i'),
      good.replace('v=19', 'v=16'),
      good.replace('m=1024', 'm=9999999'),
      good.slice(0, -30),
    ]) {
      assert.equal(await hashing.verify('a password', stored), false, String(stored))
    }
  })

  it('take their turn also where there is nothing to compare with, and are refused where 34 do', async () => {
    const hashing = passwords(key, cheap)
    const asked = Array.from({ length: 35 }, () => hashing.verify('a password', undefined))
    const late = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')
    assert.deepEqual(
      late.map((one) => 'reason' in one && one.reason instanceof Busy),
      [true],
    )
  })

  it('that ask for more memory than any of ours are not even computed', async () => {
    const hashing = passwords(key, cheap)
    const stored = (await hashing.hash('a password')).replace('m=1024', 'm=262145')
    assert.equal(hashing.isWeak(stored), true)
  })
})

describe('a place in the queue', () => {
  it('is for so many at once, the rest wait, and who comes too late is told', async () => {
    const inTurn = takeTurns(2, 3)
    let running = 0
    let most = 0
    const task = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
    }
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => inTurn(task)))
    assert.equal(most, 2)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
    for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof Busy)
    await assert.rejects(inTurn(() => Promise.reject(new Error('a failed task'))))
    await Promise.all([inTurn(task), inTurn(task), inTurn(task)])
    assert.equal(running, 0)
  })
})

describe('new passwords', () => {
  it('have 12 to 256 characters, and are neither the name nor what is guessed first', () => {
    for (const password of [
      'four words of no meaning',
      'Tr0ub4dor&3xyz',
      '😀😁😂🤣😃😄😅😆😉😊😋😎',
      'x7'.repeat(64) + 'abcde',
      'adaada18wxyz,5',
    ]) {
      assert.equal(passwordProblem(password, 'ada'), undefined, password)
    }
    for (const [password, problem] of [
      ['elevenchars', /at least 12/],
      ['😀😁😂🤣😃😄', /at least 12/],
      ['a1b2'.repeat(65), /at most 256/],
      ['Ada.LoveLace1815', /more than your name/],
      ['ada.lovelaceada.lovelace', /more than your name/],
      ['ada.lovelace1815xyz', /more than your name/],
      ['two lines of\nno meaning', /control characters/],
      ['an arrow key\u001b[D was pressed', /control characters/],
      ['password1234', /try first/],
      ['P@ssword-2026!', /try first/],
      ['Administrator1', /try first/],
      ['aaaaaaaaaaaa', /try first/],
      ['dcbaadcbacdb', /try first/],
      ['123456789012', /try first/],
      ['qwertyuiopas', /try first/],
      ['zyxwvutsrqpo', /try first/],
    ] as const) {
      assert.match(passwordProblem(password, 'Ada.Lovelace') ?? 'none', problem, password)
    }
  })
})

describe('names', () => {
  it('are letters, digits and a few signs', () => {
    for (const name of ['ada', 'Ada.Lovelace', 'ada@example.org', 'Zoë', '李雷', 'नमस्ते', 'a'.repeat(64)])
      assert.equal(nameProblem(name), undefined, name)
    for (const name of ['', ' ', 'a b', '.a', 'a/b', '<b>', 'a\u202eb', 'a\u0000', 'a'.repeat(65)])
      assert.notEqual(nameProblem(name), undefined, name)
  })

  it('are one however they are written', () => {
    for (const [one, other] of [
      ['Ada', 'aDA'],
      ['Zoë'.normalize('NFC'), 'ZOË'.normalize('NFD')],
      ['Straße', 'STRASSE'],
      ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
      ['ａｄａ', 'ada'],
    ] as const) {
      assert.equal(fold(one), fold(other), one)
    }
    assert.notEqual(fold('ada'), fold('adam'))
  })
})
