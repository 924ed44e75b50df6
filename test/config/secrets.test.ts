import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { problemTexts } from '../support/config-problems.ts'

describe('the secret of an installation', () => {
  it('is set where several replicas share a database', () => {
    const base = { store: { url: 'postgres:///portcullis' } }
    assert.match(
      problemTexts({ base }).join(),
      /^secret: must be set where store\.url is, the same for every/,
    )
  })

  it('has 32 bytes when it is decoded, which leaves out what is not base64url', () => {
    for (const secret of ['s'.repeat(43), `${'s'.repeat(43)}=`, '+/'.repeat(32)])
      assert.equal(loadConfig({ base: { secret } }).secret, secret)
    for (const secret of [
      '',
      's'.repeat(42),
      `${'s'.repeat(42)}==`,
      'four words of no meaning, with spaces in between',
    ]) {
      assert.throws(
        () => loadConfig({ base: { secret } }),
        /a problem:\n {2}secret: must be 32 random bytes or more in base64url: 43 letters, digits, - and _$/,
      )
    }
  })
})

describe('a secret that is given as the name of a variable', () => {
  it('is never the name itself, however long that is: anybody who reads the file would know the secret', () => {
    const registration = {
      dynamic: 'token' as const,
      initialAccessToken: '$REGISTRATION_INITIAL_ACCESS_TOKEN',
    }
    const upstreams = [{ name: 'files', url: 'http://127.0.0.1:9000/mcp' }]
    const tenants = [{ name: 'acme', upstreams, registration }]
    const base = { secret: '$SECRET_OF_THIS_INSTALLATION_AND_ITS_REPLICAS', registration, tenants }
    const unset = `the variable ${registration.initialAccessToken} is not set`
    assert.deepEqual(problemTexts({ base }).toSorted(), [
      `registration.initialAccessToken: ${unset}`,
      `secret: the variable ${base.secret} is not set`,
      `tenants[0].registration.initialAccessToken: ${unset}`,
    ])
    const environment = {
      SECRET_OF_THIS_INSTALLATION_AND_ITS_REPLICAS: 's'.repeat(43),
      REGISTRATION_INITIAL_ACCESS_TOKEN: 't'.repeat(32),
    }
    const config = loadConfig({ base, environment })
    assert.equal(config.secret, 's'.repeat(43))
    assert.equal(config.registration.initialAccessToken, 't'.repeat(32))
    assert.equal(config.tenants[0]?.registration.initialAccessToken, 't'.repeat(32))
  })

  it('has no braces, and a secret that looks like one is not repeated', () => {
    const environment = { SECRET: 's'.repeat(43), DOLLAR: '$2b$10$of-a-client' }
    const fix =
      'must be $ and the name of a variable alone, such as $NAME; a value that begins with $ belongs in such a variable'
    for (const secret of ['${SECRET}', '$(SECRET)', '$$SECRET', '$', '$ SECRET'])
      assert.deepEqual(problemTexts({ base: { secret }, environment }), [`secret: ${fix}`])
    const client = (secret: string): ConfigInput => {
      return {
        clients: [{ id: 'a', secret, grantTypes: ['client_credentials'], scopes: ['mcp:tools:read'] }],
      }
    }
    assert.deepEqual(problemTexts({ base: client(environment.DOLLAR) }), [`clients[0].secret: ${fix}`])
    const { clients } = loadConfig({ base: client('$DOLLAR'), environment })
    assert.equal(clients[0]?.secret, environment.DOLLAR)
  })
})

describe('what is sent to others in a header', () => {
  const issuer = { issuer: 'https://issuer.example', audiences: ['a'] }
  const base = {
    listen: { metricsToken: '$METRICS' },
    traces: { endpoint: 'https://collector.example/v1/traces', authorization: '$TRACES' },
    audit: { sinks: [{ kind: 'http', name: 'siem', url: 'https://siem.example', token: '$AUDIT' }] },
    issuers: [
      {
        ...issuer,
        introspection: { url: 'https://issuer.example/ask', clientId: 'c', clientSecret: '$ISSUER' },
      },
    ],
  } as const

  it('may be in variables', () => {
    const environment = { METRICS: 'm'.repeat(32), TRACES: 'Basic b', AUDIT: 'a', ISSUER: 'i' }
    const { listen, traces, audit, issuers } = loadConfig({
      base: structuredClone(base) as never,
      environment,
    })
    const [sink] = audit.sinks
    assert.deepEqual(
      [listen.metricsToken, traces.authorization, sink?.kind === 'http' && sink.token],
      [environment.METRICS, 'Basic b', 'a'],
    )
    assert.equal(issuers[0]?.introspection?.clientSecret, 'i')
  })

  it('is what a header can have, so that it is not told in errors instead (A14)', () => {
    const environment = { METRICS: 'm'.repeat(32), TRACES: 'Basic b\n', AUDIT: 'a b', ISSUER: 'i' }
    assert.deepEqual(problemTexts({ base: structuredClone(base) as never, environment }), [
      'traces.authorization: must be printable ASCII characters in one line',
      'audit.sinks[0].token: must be printable characters without spaces, in one line',
    ])
  })
})
