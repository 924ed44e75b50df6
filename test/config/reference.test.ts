import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { jsonSchema, listSettings } from '../../src/config/settings.ts'
import { problemTexts } from '../support/config-problems.ts'

const settings = new Map(listSettings().map((setting) => [setting.path.join('.'), setting]))

const problemsOf = (sink: unknown, base = {}): string[] =>
  problemTexts({ base, flags: { audit: { sinks: [sink] } } })

describe('the reference of the configuration', () => {
  it('describes every setting', () => {
    const without = [...settings].filter(([, { description }]) => description.trim() === '')
    assert.deepEqual(
      without.map(([name]) => name),
      [],
    )
  })

  it('knows what a list of several kinds holds, each with what its kinds have in common', () => {
    assert.equal(settings.has('audit.sinks'), false, 'no list of texts, and no variable')
    assert.deepEqual(settings.get('audit.sinks.[].kind')?.values, ['http', 'syslog', 'postgres'])
    const url = settings.get('audit.sinks.[].url')
    assert.equal(url?.variable, undefined)
    assert.match(url?.description ?? '', /^`http`: .+ `postgres`: /)
  })
})

describe('the schema for editors', () => {
  it('takes the name of a variable wherever the configuration does', () => {
    const schema = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0])
    const isFine = (secret: string): boolean =>
      schema.safeParse({
        secret,
        store: { url: secret },
        listen: { metricsToken: secret },
        registration: { dynamic: 'token', initialAccessToken: secret },
        clients: [{ id: 'machine', secret }],
        audit: { sinks: [{ kind: 'http', name: 'a', url: secret, token: secret }] },
        limits: { redis: secret },
        tenants: [
          { name: 'acme', registration: { initialAccessToken: secret }, clients: [{ id: 'c', secret }] },
        ],
      }).success
    assert.ok(isFine('$NAME'))
    assert.ok(!isFine('NAME'))
  })
})

describe('a sink of the audit', () => {
  it('is refused as a text, whichever it is, and with a mistyped setting', () => {
    for (const text of ['postgres', 'other'])
      assert.deepEqual(problemsOf(text), ['audit.sinks[0]: must hold settings, each with its name: a value'])
    const kinds = 'must be one of http, syslog, postgres'
    assert.deepEqual(problemsOf({ kind: 'file' }), [`audit.sinks[0].kind: ${kinds}`])
    assert.deepEqual(problemsOf({ kind: 'http', name: 'a', url: 'https://x.example', tokn: 'b' }), [
      'audit.sinks[0].tokn: there is no such setting; did you mean token?',
    ])
    assert.deepEqual(problemsOf({ kind: 'syslog', name: 'a', host: 'h', url: 'tls://h:6514' }), [
      'audit.sinks[0].url: is a setting of another kind: take it away',
    ])
  })

  it('is not blamed for the database of the store, whose variable is not set', () => {
    assert.deepEqual(problemsOf({ kind: 'postgres', name: 'a' }, { store: { url: '$NOT_SET' } }), [
      'store.url: the variable $NOT_SET is not set',
    ])
  })
})
