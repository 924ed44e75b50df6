import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'

describe('the URL of a database', () => {
  it('may lead to a host or to a socket, with or without a user, for the store and for the audit', () => {
    for (const url of [
      'postgres://u:p@db:5432/portcullis?sslmode=require',
      'postgresql://[::1]/portcullis',
      'postgres:///portcullis?host=/run/postgresql',
      'postgres://u@/portcullis?host=/run/postgresql',
      'postgres://u:p@/portcullis?host=/run/postgresql',
    ]) {
      const sinks = [{ kind: 'postgres' as const, name: 'copy', url }]
      const { store } = loadConfig({ base: { secret: 's'.repeat(43), store: { url }, audit: { sinks } } })
      assert.equal(store.url, url)
    }
  })
})
