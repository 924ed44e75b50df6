import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Provider } from '../../src/authorization-server/library/library.ts'
import { documentFeature, libraryFetch } from '../../src/authorization-server/registration/documents.ts'
import type { AuthorizationServerSettings } from '../../src/authorization-server/settings.ts'
import { systemClock } from '../../src/core/clock.ts'
import { siteOf } from '../../src/core/site.ts'
import type { OpenRateLimit } from '../../src/limits/contract.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'

const letIn = 'https://host.example/let-in.json'
const settingsOf = (publicUrl: string): AuthorizationServerSettings =>
  ({
    site: siteOf(publicUrl),
    registration: { documents: { enabled: true } },
    rateLimit: countWith(inMemory),
    clock: systemClock,
    artifacts: { hasOfClient: async (model: string, id: string) => model === 'Grant' && id === letIn },
  }) as unknown as AuthorizationServerSettings

/** What was fetched, and what of it apart from strangers. */
function fetches() {
  const made: string[] = []
  const fetchSafely = async (url: string): Promise<Response> => {
    made.push(url)
    return new Response('{"keys":[]}')
  }
  return { made, fetchSafely, fetchForApproved: (url: string) => fetchSafely(`apart ${url}`) }
}

describe('fetches of metadata documents (A52)', () => {
  const begin = (
    publicUrl = 'https://mcp.example.com',
    settings = settingsOf(publicUrl),
  ): ((id: string, network?: number) => Promise<unknown>) => {
    const { allowFetch } = documentFeature(settings)
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

  it('go on, where strangers have used up those of a host or of all, for a client that a user approved', async () => {
    for (const hostOf of [() => 'host.example', (index: number) => `host-${index}.example`]) {
      const settings = { ...settingsOf('https://mcp.example.com'), ...fetches() }
      const allow = begin(undefined, settings)
      for (let index = 0; index < 600; index++)
        await allow(`https://${hostOf(index)}/${index}`, index % 12).catch(() => undefined)
      await assert.rejects(allow('https://host.example/stranger.json', 13), waits)
      for (let index = 0; index < 200; index++) assert.equal(await allow(letIn, 20 + (index % 4)), true)
      const get = libraryFetch(settings)
      for (let index = 0; index < 30; index++) await get(letIn, { method: 'GET', redirect: 'manual' })
      await assert.rejects(allow(letIn, 24), waits, 'so many are made for it, whoever asks')
      await get('https://host.example/stranger.json', { method: 'GET', redirect: 'manual' })
      assert.deepEqual(settings.made, [
        ...Array(30).fill(`apart ${letIn}`),
        'https://host.example/stranger.json',
      ])
    }
  })

  it('go on as for strangers where the store does not tell who was let in', async () => {
    const { made, ...both } = fetches()
    const artifacts = { hasOfClient: () => Promise.reject(new Error('the store is away')) }
    const settings = { ...settingsOf('https://mcp.example.com'), ...both, artifacts: artifacts as never }
    await libraryFetch(settings)(letIn, { method: 'GET', redirect: 'manual' })
    assert.deepEqual(made, [letIn])
  })

  it('are limited for one network even where it names a client that somebody let in', async () => {
    const allow = begin()
    for (let index = 0; index < 60; index++) await allow(`https://host-${index}.example/client.json`)
    await assert.rejects(allow(letIn), waits)
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
  const begin = (rateLimit: OpenRateLimit = countWith(inMemory)) => {
    const { made, ...both } = fetches()
    const get = libraryFetch({ ...settingsOf('https://mcp.example.com'), ...both, rateLimit })
    return { fetched: made, get: async (url: string) => (await get(url, { method: 'GET' })).json() }
  }

  it('happen once a minute for one set, however many keys are asked for that are not in it', async () => {
    const { fetched, get } = begin()
    const url = 'https://app.example/keys.json'
    for (let index = 0; index < 5; index++) assert.deepEqual(await get(url), { keys: [] })
    assert.deepEqual(await Promise.all([get(`${url}?2`), get(`${url}?2`)]), [{ keys: [] }, { keys: [] }])
    assert.deepEqual(fetched, [url, `${url}?2`])
  })

  it('are kept for each client by itself, so that one that somebody let in waits for no stranger', async (test) => {
    const { fetched, get } = begin()
    let clientId = 'https://host.example/stranger.json'
    test.mock.getter(Provider, 'ctx', () => ({ oidc: { client: { clientId } } }))
    const url = 'https://host.example/keys.json'
    const byStranger = get(url)
    clientId = letIn
    await Promise.all([byStranger, get(url), get(url)])
    assert.deepEqual(fetched.toSorted(), [`apart ${url}`, url])
  })

  it('are refused to each request by itself: none waits for one that is', async () => {
    const waits = [1, 0, 0, 0]
    const limit = {
      take: async () => waits.shift() ?? 0,
      wait: async () => 0,
      forgive: async () => undefined,
    }
    const { get } = begin(() => limit)
    const both = await Promise.allSettled([
      get('https://host.example/keys'),
      get('https://host.example/keys'),
    ])
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
  })

  it('are limited for one network', async () => {
    const { fetched, get } = begin()
    for (let index = 0; index < 60; index++) await get(`https://app.example/${index}`)
    await assert.rejects(get('https://app.example/more'), { error: 'temporarily_unavailable' })
    assert.equal(fetched.length, 60)
  })
})
