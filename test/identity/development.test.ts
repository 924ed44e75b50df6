import assert from 'node:assert/strict'
import { it } from 'node:test'
import { developmentIdentity } from '../../src/identity/development.ts'

it('in development mode nobody is a user whom a provider vouches for, or who was disabled, by saying so', async () => {
  const identity = developmentIdentity(async () => false)
  const form = { password: '', address: '127.0.0.1' }
  assert.deepEqual(await identity.login({ ...form, name: ' ada ' }), { id: 'ada', displayName: 'ada' })
  const answer = await identity.login({ ...form, name: 'usr_AAAAAAAAAAAAAAAAAAAAAA' })
  assert.ok('refused' in answer)
  assert.match(answer.refused, /choose another one/)
  assert.equal((await identity.find('ada'))?.id, 'ada')
  assert.equal(await identity.find('usr_AAAAAAAAAAAAAAAAAAAAAA'), undefined)
})
