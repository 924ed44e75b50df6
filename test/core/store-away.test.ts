import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { it } from 'node:test'
import { StoreAway } from '../../src/core/store-away.ts'
import { freePort } from '../support/installation.ts'

it('a store that is away says why, also if its name leads to several addresses and none answers', async () => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]
  const socket = connect({
    host: 'two.invalid',
    port: await freePort(),
    lookup: (_host, _options, callback) => callback(null, addresses),
  })
  await assert.rejects(once(socket, 'connect'), (error) => {
    assert.equal(new StoreAway(error).message, 'the store cannot be reached: ECONNREFUSED')
    return true
  })
})
