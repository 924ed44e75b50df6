import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serverEnvironment } from '../../src/upstream/stdio/environment.ts'

describe('a stdio server on Windows', { timeout: 60_000 }, () => {
  it('gets what it needs of an environment that lists names in other spellings than it finds them by', () => {
    const listed = { Path: 'C:\\bin', SystemRoot: 'C:\\Windows', Api_Key: 'of the server', Other: 'no' }
    const environment: Record<string, string> = new Proxy(listed, {
      get: (target, name) =>
        Object.entries(target).find(([known]) => known.toUpperCase() === String(name).toUpperCase())?.[1],
    })
    const seen = { PATH: 'C:\\bin', SYSTEMROOT: 'C:\\Windows', API_KEY: 'of the server' }
    assert.deepEqual(serverEnvironment(['API_KEY'], environment), seen)
  })
})
