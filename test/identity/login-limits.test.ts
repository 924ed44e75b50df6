import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loginLimits } from '../../src/identity/login-limits.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'

describe('the limit of failed logins', () => {
  const open = () => loginLimits(countWith(inMemory))
  const addressOf = (index: number): string => `192.0.${index >> 8}.${index & 255}`

  it('is for a network, since a machine has many addresses in one', async () => {
    const limits = open()
    for (let count = 0; count < 50; count++) assert.equal(await limits.admit(`2001:db8::${count}`), undefined)
    assert.ok(((await limits.admit('2001:db8::ffff')) ?? 0) > 0)
    assert.equal(await limits.admit('2001:db8:1::1'), undefined)
  })

  it('is also for all networks together', async () => {
    const limits = open()
    for (let count = 0; count < 1000; count++) assert.equal(await limits.admit(addressOf(count)), undefined)
    assert.ok(((await limits.admit('198.51.100.1')) ?? 0) > 0)
  })

  it('counts none that succeeded, of a network or of all', async () => {
    const limits = open()
    for (const addresses of [() => '198.51.100.1', addressOf])
      for (let count = 0; count <= 1000; count++) {
        assert.equal(await limits.admit(addresses(count)), undefined)
        await limits.forgive(addresses(count))
      }
  })
})
