import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { documentFeature } from '../../src/authorization-server/registration/documents.ts'
import type { AuthorizationServerSettings } from '../../src/authorization-server/settings.ts'

const settings = {
  origins: ['https://mcp.example.com'],
  registration: { documents: { enabled: true } },
} as unknown as AuthorizationServerSettings

describe('fetches of metadata documents (A52)', () => {
  const begin = (): ((id: string) => Promise<unknown>) => {
    const { allowFetch } = documentFeature(settings)
    return async (id) => allowFetch?.(undefined as never, id)
  }
  const waits = { error: 'temporarily_unavailable', statusCode: 503 }

  it('are limited for one host in a minute, so that nobody is flooded from here', async () => {
    const allow = begin()
    for (let index = 0; index < 120; index++) await allow(`https://victim.example/${index}`)
    await assert.rejects(allow('https://victim.example/more'), waits)
    assert.equal(await allow('https://other.example/client.json'), true)
  })

  it('are limited altogether', async () => {
    const allow = begin()
    for (let index = 0; index < 600; index++) await allow(`https://host-${index}.example/client.json`)
    await assert.rejects(allow('https://one-more.example/client.json'), waits)
  })

  it('of this server itself never happen, by any of its names (A53)', async () => {
    await assert.rejects(begin()('https://mcp.example.com/client.json'), { error: 'invalid_client' })
  })
})
