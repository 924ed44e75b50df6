import assert from 'node:assert/strict'
import { it } from 'node:test'
import { secretAuthentication } from '../../src/issuer/client-secret.ts'

it('a secret is sent as post where an issuer takes that, and as basic where it does not say so', () => {
  const sentAs = (methods: readonly string[] | undefined): string => {
    const [body, headers] = [new URLSearchParams(), new Headers()]
    const server = { issuer: 'https://login.example.com' }
    secretAuthentication({ current: 'a-secret' }, methods)(server, { client_id: 'us' }, body, headers)
    return [headers.has('authorization') && 'basic', body.has('client_secret') && 'post']
      .filter(Boolean)
      .join()
  }
  assert.equal(sentAs(undefined), 'basic')
  assert.equal(sentAs(['client_secret_basic']), 'basic')
  assert.equal(sentAs(['client_secret_post']), 'post')
  assert.equal(sentAs(['client_secret_basic', 'client_secret_post']), 'post')
})
