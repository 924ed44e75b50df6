import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { documentFeature, libraryFetch } from '../../src/authorization-server/registration/documents.ts'
import type { AuthorizationServerSettings } from '../../src/authorization-server/settings.ts'
import { siteOf } from '../../src/core/site.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'

const settingsOf = (publicUrl: string): AuthorizationServerSettings =>
  ({
    site: siteOf(publicUrl),
    registration: { documents: { enabled: true } },
  }) as unknown as AuthorizationServerSettings

describe('fetches of metadata documents (A52)', () => {
  const begin = (
    publicUrl = 'https://mcp.example.com',
  ): ((id: string, network?: number) => Promise<unknown>) => {
    const { allowFetch } = documentFeature({ ...settingsOf(publicUrl), rateLimit: countWith(inMemory) })
    return async (id, network = 0) => {
      const req = { headers: { 'x-forwarded-for': `192.0.2.${network}` } }
      return allowFetch?.({ req } as never, id)
    }
  }
  const waits = { error: 'temporarily_unavailable', statusCode: 503 }

  it('are limited for one host in a minute, so that nobody is flooded from here', async () => {
    const allow = begin()
    for (let index = 0; index < 120; index++) await allow(`https://victim.example/${index}`, index % 4)
    await assert.rejects(allow('https://victim.example/more', 5), waits)
    assert.equal(await allow('https://other.example/client.json'), true)
  })

  it('are limited altogether', async () => {
    const allow = begin()
    for (let index = 0; index < 600; index++)
      await allow(`https://host-${index}.example/client.json`, index % 12)
    await assert.rejects(allow('https://one-more.example/client.json', 13), waits)
  })

  it('are limited for one network, so that it does not use up those of all', async () => {
    const allow = begin()
    for (let index = 0; index < 60; index++) await allow(`https://host-${index}.example/client.json`)
    await assert.rejects(allow('https://one-more.example/client.json'), waits)
    assert.equal(await allow('https://one-more.example/client.json', 1), true)
  })

  it('are not counted where the URL alone tells that there will be none', async () => {
    const allow = begin()
    for (let index = 0; index < 700; index++) {
      for (const host of [`10.0.0.${index % 250}`, '[::1]', 'a.example:8443'])
        await assert.rejects(allow(`https://${host}/${index}`), { error: 'invalid_client' })
    }
    assert.equal(await allow('https://other.example/client.json'), true)
  })

  it('of this server itself never happen, by any of its names (A53)', async () => {
    await assert.rejects(begin()('https://mcp.example.com/client.json'), { error: 'invalid_client' })
  })

  it('of a host that this server shares happen outside its path alone (A53)', async () => {
    const allow = begin('https://example.com/gate')
    for (const path of ['/gate', '/gate/client.json', '/.well-known/openid-configuration/gate'])
      await assert.rejects(allow(`https://example.com${path}`), { error: 'invalid_client' })
    assert.equal(await allow('https://example.com/app/client.json'), true)
    assert.equal(await allow('https://example.com/gate2/client.json'), true)
  })
})

describe('fetches of key sets (A52)', () => {
  const begin = () => {
    const fetched: string[] = []
    const fetchSafely = async (url: string): Promise<Response> => {
      fetched.push(url)
      return new Response('{"keys":[]}')
    }
    const get = libraryFetch({ fetchSafely, rateLimit: countWith(inMemory) })
    return { fetched, get: async (url: string) => (await get(url, { method: 'GET' })).json() }
  }

  it('happen once a minute for one set, however many keys are asked for that are not in it', async () => {
    const { fetched, get } = begin()
    const url = 'https://app.example/keys.json'
    for (let index = 0; index < 5; index++) assert.deepEqual(await get(url), { keys: [] })
    assert.deepEqual(await Promise.all([get(`${url}?2`), get(`${url}?2`)]), [{ keys: [] }, { keys: [] }])
    assert.deepEqual(fetched, [url, `${url}?2`])
  })

  it('are limited for one network', async () => {
    const { fetched, get } = begin()
    for (let index = 0; index < 60; index++) await get(`https://app.example/${index}`)
    await assert.rejects(get('https://app.example/more'), { error: 'temporarily_unavailable' })
    assert.equal(fetched.length, 60)
  })
})
