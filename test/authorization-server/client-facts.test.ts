import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Client } from 'oidc-provider'
import { consentDigest } from '../../src/authorization-server/registration/consent-digest.ts'
import { documentAddress, documentHost } from '../../src/authorization-server/registration/document-url.ts'

describe('the host that answers for a client (R11, A53)', () => {
  it('is the one of its document, in ASCII, so that a look-alike shows', () => {
    assert.equal(documentHost('https://app.example/client.json'), 'app.example')
    assert.equal(documentHost('https://app.example:8443/client.json'), 'app.example:8443')
    assert.equal(documentHost('HTTPS://app.example/client.json'), 'app.example')
    assert.equal(documentHost('https://аpp.example/client.json'), 'xn--pp-6kc.example')
    assert.equal(documentHost('LCaG7Jm1Vn0'), undefined)
  })
})

describe('the document of a client, as the log names it', () => {
  it('is its address, however long the names in it are', () => {
    const id = 'https://client-metadata-of-our-company.example:8443/client-metadata-document.json'
    assert.equal(documentAddress(id), id)
    assert.equal(documentAddress('LCaG7Jm1Vn0'), undefined)
  })

  it('has nothing in it that could be a secret, and does not grow', () => {
    const address = documentAddress('https://me:secret@app.example/0f8fad5bd9cb469fa165/a?code=b#c')
    assert.equal(address, 'https://app.example/…/a')
    assert.equal(documentAddress(`https://${'a'.repeat(300)}.example/`)?.length, 200)
  })
})

describe('what a person agreed to in a client (R10)', () => {
  const client = {
    clientName: 'A program',
    redirectUris: ['https://app.example/a', 'https://app.example/b'],
    jwks: { keys: [{ kty: 'EC', x: '1' }] },
    clientAuthMethod: 'private_key_jwt',
  }
  const digestOf = (changes: object): string => consentDigest({ ...client, ...changes } as unknown as Client)

  it('is another thing once its name, addresses or keys change', () => {
    const changes = [
      {},
      { clientName: 'Another' },
      { redirectUris: ['https://app.example/a'] },
      { redirectUris: ['https://app.example/a', 'https://evil.example/b'] },
      { jwks: { keys: [{ kty: 'EC', x: '2' }] } },
      { jwks: undefined, jwksUri: 'https://app.example/jwks' },
      { clientAuthMethod: 'none' },
    ]
    assert.equal(new Set(changes.map(digestOf)).size, changes.length)
  })

  it('is the same in another order, or with another logo', () => {
    const same = { redirectUris: client.redirectUris.toReversed(), logoUri: 'https://app.example/x.png' }
    assert.equal(digestOf(same), digestOf({}))
  })
})
