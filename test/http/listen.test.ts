import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { listen, PortForbidden } from '../../src/http/listen.ts'

describe('listening', () => {
  it('says what to do where a user may not take a low port', async () => {
    const server = createServer()
    server.listen = () => {
      const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
      setImmediate(() => server.emit('error', error))
      return server
    }
    const place = { name: 'gateway', host: '0.0.0.0', port: 443, fix: '--port or listen.gateway' }
    await assert.rejects(listen(server, place), (error) => {
      assert.ok(error instanceof PortForbidden)
      assert.match(
        error.message,
        /^port 443 for the gateway .*CAP_NET_BIND_SERVICE.* --port or listen\.gateway$/,
      )
      return true
    })
  })
})
