import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { problemTexts } from '../support/config-problems.ts'

const base = {
  mode: 'production',
  publicUrl: 'https://mcp.example.com',
  upstreams: [{ name: 'files', path: '/mcp', url: 'http://127.0.0.1:9000/mcp' }],
} satisfies ConfigInput

type Provider = NonNullable<NonNullable<ConfigInput['login']>['providers']>[number]

const clientSecret = 'a-secret'
const good = {
  keycloak: {
    preset: 'keycloak',
    issuer: 'https://kc.example.com/realms/company',
    clientId: 'p',
    clientSecret,
  },
  entra: {
    preset: 'entra',
    tenant: '11111111-2222-3333-4444-555555555555',
    clientId: '66666666-7777-8888-9999-000000000000',
    clientSecret,
  },
  auth0: { preset: 'auth0', issuer: 'https://company.eu.auth0.com/', clientId: 'a1B2', clientSecret },
  okta: { preset: 'okta', issuer: 'https://company.okta.com', clientId: '0oa1', clientSecret },
  google: {
    preset: 'google',
    clientId: '1-a.apps.googleusercontent.com',
    clientSecret,
    allow: { domains: ['example.com'] },
  },
  github: { preset: 'github', clientId: 'Iv1.0', clientSecret, allow: { groups: ['company'] } },
  other: { issuer: 'https://login.example.com', clientId: 'portcullis' },
} satisfies Record<string, Provider>

const problems = (...providers: object[]): string[] =>
  problemTexts({ base: { ...base, login: { providers: providers as Provider[] } } })

describe('the setting login.providers', () => {
  for (const [name, provider] of Object.entries(good)) {
    it(`is right as it stands here for ${name}`, () => assert.deepEqual(problems(provider), []))
  }

  for (const [what, provider, problem] of [
    [
      'keycloak without issuer',
      { ...good.keycloak, issuer: undefined },
      /\[0\]\.issuer: is missing: give one, such as https:\/\/keycloak.*realms/,
    ],
    [
      'keycloak without realm',
      { ...good.keycloak, issuer: 'https://kc.example.com' },
      /issuer: does not fit the preset keycloak: give one such as .*realms/,
    ],
    [
      'keycloak without secret',
      { ...good.keycloak, clientSecret: undefined },
      /clientSecret: has no secret: give clientSecret or clientSecretFile/,
    ],
    [
      'keycloak over http',
      { ...good.keycloak, issuer: 'http://kc.example.com/realms/x' },
      /issuer: must be https/,
    ],
    [
      'entra without tenant',
      { ...good.entra, tenant: undefined },
      /tenant: is missing: give the directory \(tenant\) ID/,
    ],
    [
      'entra with a name for a client',
      { ...good.entra, clientId: 'portcullis' },
      /clientId: must be the application \(client\) ID/,
    ],
    [
      'entra with another issuer',
      { ...good.entra, issuer: 'https://login.example.com' },
      /issuer: does not fit the preset entra: give one such as https:\/\/login\.microsoftonline/,
    ],
    [
      'entra for all the world',
      { ...good.entra, tenant: 'organizations' },
      /allow: must say who may come in.*allow\.tenants/,
    ],
    [
      'entra of the US government for many directories',
      {
        ...good.entra,
        tenant: undefined,
        issuer: 'https://login.microsoftonline.us/organizations/v2.0',
        allow: { tenants: ['x'] },
      },
      /issuer: stands for many directories, which works at login\.microsoftonline\.com alone: name one.*a provider for each/,
    ],
    [
      'auth0 without the slash',
      { ...good.auth0, issuer: 'https://company.eu.auth0.com' },
      /issuer: does not fit the preset auth0: give one such as .*slash at the end/,
    ],
    [
      'auth0 without issuer',
      { ...good.auth0, issuer: undefined },
      /issuer: is missing: give one, such as https:\/\/company\.eu\.auth0/,
    ],
    [
      'okta with a path of its pages',
      { ...good.okta, issuer: 'https://company.okta.com/admin/apps' },
      /issuer: does not fit the preset okta: give one such as/,
    ],
    ['okta with both secrets', { ...good.okta, clientSecretFile: '/x' }, /clientSecret: has both/],
    [
      'google for all the world',
      { ...good.google, allow: {} },
      /allow: must say who may come in.*allow\.domains, or allow\.anybody: true/,
    ],
    [
      'google for all the world, described without its preset',
      { ...good.other, issuer: 'https://accounts.google.com' },
      /allow: must say who may come in.*allow\.domains, or allow\.anybody: true/,
    ],
    [
      'everybody who has a private account at Microsoft',
      { ...good.entra, tenant: '9188040D-6c67-4c5b-b112-36a304b66dad' },
      /allow: must say who may come in.*allow\.tenants, or allow\.anybody: true/,
    ],
    [
      'google with another client',
      { ...good.google, clientId: '12' },
      /clientId: must be .*apps\.googleusercontent\.com/,
    ],
    [
      'github for all the world',
      { ...good.github, allow: {} },
      /allow: must say who may come in.*allow\.groups/,
    ],
    ['github without secret', { ...good.github, clientSecret: undefined }, /clientSecret: has no secret/],
    [
      'a secret in a file that is not there',
      { ...good.github, clientSecret: undefined, clientSecretFile: '/none' },
      /clientSecretFile: \/none does not exist: name the file that holds the secret/,
    ],
    [
      'another provider without issuer',
      { clientId: 'p' },
      /issuer: is missing: give one, such as https:\/\/login\.example\.com/,
    ],
    [
      'a tenant without the preset that has them',
      { ...good.other, tenant: 'company' },
      /tenant: works only with the preset entra/,
    ],
    ...['https://a@login.example.com', 'https://:a@login.example.com'].map(
      (issuer) =>
        [`the issuer ${issuer}`, { ...good.other, issuer }, /issuer: must have no user information/] as const,
    ),
    ['scopes without openid', { ...good.other, scopes: ['email'] }, /scopes: must include openid/],
    ...[
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'scope',
      'state',
      'nonce',
      'code_challenge',
      'code_challenge_method',
      'request',
      'request_uri',
    ].map(
      (name) =>
        [
          `a parameter of ours: ${name}`,
          { ...good.other, parameters: { [name]: 'x' } },
          new RegExp(`parameters\\.${name}: is a parameter that Portcullis sets itself`),
        ] as const,
    ),
    [
      'an age of logins in words',
      { ...good.other, parameters: { max_age: '1h' } },
      /parameters\.max_age: must be a whole number of seconds/,
    ],
    [
      'a recent login of GitHub, which tells of no age',
      { ...good.github, parameters: { max_age: '300' } },
      /parameters\.max_age: does not work with the preset github/,
    ],
    [
      'an end of the login at GitHub, which lets nobody end it',
      { ...good.github, logout: 'provider' },
      /logout: must be here with the preset github/,
    ],
    [
      'tenants that nobody names',
      { ...good.other, allow: { tenants: ['x'] } },
      /allow\.tenants: works only with claims\.tenant/,
    ],
    ['a preset that there is not', { ...good.other, preset: 'gogle' }, /preset: /],
    [
      'a setting that there is not',
      { ...good.other, isuer: 'x' },
      /isuer: there is no such setting; did you mean issuer\?/,
    ],
  ] as const) {
    it(`names what is wrong and its fix: ${what}`, () => {
      const found = problems(provider)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', problem)
    })
  }

  it('gives each provider a name of its own', () => {
    const [found] = problems(good.keycloak, good.keycloak)
    assert.match(found ?? '', /\[1\]\.name: "keycloak" is taken by an earlier provider/)
  })

  it('takes plain http for loopback in development mode alone', () => {
    const local = { ...good.other, issuer: 'http://127.0.0.1:8080' }
    assert.match(problems(local)[0] ?? '', /must be https/)
    const { login } = loadConfig({ base: { login: { providers: [local] } } })
    assert.equal(login.users, 'none', 'nobody but the provider lets people in')
    const remote = { ...good.other, issuer: 'http://login.example.com' }
    assert.throws(
      () => loadConfig({ base: { login: { providers: [remote] } } }),
      /must be https, or on loopback in development mode/,
    )
  })
})

describe('the examples of the pages on identity', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-docs-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const page of ['identity-federated.md', 'identity-resource-server.md', 'identity-enterprise.md']) {
    const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
    for (const [index, [, example = '']] of [...text.matchAll(/```yaml\n(.*?)```/gs)].entries()) {
      it(`of ${page} are right: number ${index + 1}`, () => {
        const file = join(folder, `${page}-${index}.yaml`)
        const secret = join(folder, 'secret')
        writeFileSync(secret, 'a-secret')
        writeFileSync(file, example.replaceAll(/\/run\/secrets\/\w+/g, secret))
        const names = [...example.matchAll(/\$([A-Z_0-9]+)/g)].map(([, name = '']) => [
          name,
          'a-secret-of-tests',
        ])
        loadConfig({ base, file, environment: Object.fromEntries(names), needsServer: true })
      })
    }
  }
})
