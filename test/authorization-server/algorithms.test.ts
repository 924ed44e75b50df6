import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

describe('signing algorithms', () => {
  for (const signingAlgorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
    it(`${signingAlgorithm} signs what the gateway accepts and the key set verifies`, async () => {
      const gate = await startGatedSpy({ tokens: { signingAlgorithm } })
      const token = await gate.tokenFor('mcp:tools:read')
      assert.equal(decodeProtectedHeader(token).alg, signingAlgorithm)
      assert.equal((await gate.post(legacyRequest('tools/list'), { token })).status, 200)
      const { keys } = (await (await fetch(`${gate.installation.url}/jwks`)).json()) as {
        keys: { kid: string }[]
      }
      assert.ok(keys.some(({ kid }) => kid === decodeProtectedHeader(token).kid))
      await gate.close()
    })
  }
})
