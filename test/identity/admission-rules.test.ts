import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeProvider } from '../../src/config/describe-provider.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { admissionProblem } from '../../src/identity/admission-rules.ts'
import { FactsUnusable, readFacts } from '../../src/identity/provider-facts.ts'

type Provider = NonNullable<NonNullable<ConfigInput['login']>['providers']>[number]
type Rules = Pick<Provider, 'allow' | 'deny'> & Pick<Provider, 'claims'>

const clientSecret = 'a-secret'
const presets = {
  plain: { issuer: 'https://login.example.com', clientId: 'p' },
  keycloak: { preset: 'keycloak', issuer: 'https://kc.example.com/realms/a', clientId: 'p', clientSecret },
  entra: {
    preset: 'entra',
    tenant: '11111111-2222-3333-4444-555555555555',
    clientId: '66666666-7777-8888-9999-000000000000',
    clientSecret,
  },
  auth0: { preset: 'auth0', issuer: 'https://company.eu.auth0.com/', clientId: 'p', clientSecret },
  okta: { preset: 'okta', issuer: 'https://company.okta.com', clientId: 'p', clientSecret },
  google: { preset: 'google', clientId: '1-a.apps.googleusercontent.com', clientSecret },
  github: { preset: 'github', clientId: 'p', clientSecret },
} satisfies Record<string, Provider>

/** Why somebody with these claims may not come in, or `in`. */
function judge(name: keyof typeof presets, claims: Record<string, unknown>, rules: Rules): string {
  const isOpen = name === 'google' || name === 'github'
  const provider = { ...presets[name], ...rules, allow: { anybody: isOpen, ...rules.allow } }
  const { login } = loadConfig({ base: { login: { providers: [provider] } } })
  const [config] = login.providers
  assert.ok(config)
  const described = describeProvider(config)
  try {
    const facts = readFacts(claims, described.claims, 'somebody')
    return admissionProblem(facts, described) ?? 'in'
  } catch (error) {
    assert.ok(error instanceof FactsUnusable)
    return error.message
  }
}

const proven = { email: 'a@Example.com', email_verified: true }
const unproven = { email: 'a@example.com', email_verified: false }
const allowed = { allow: { domains: ['example.com'] } }
const bookshop = { allow: { domains: ['xn--bcher-kva.example'] } }
const denied = { deny: { domains: ['example.com'] } }
const staff = { allow: { groups: ['staff'] } }
const suspended = { deny: { groups: ['suspended'] } }
const manyGroups = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }
const overage =
  'the provider leaves groups out and says where to ask for them, as Entra does for users in many groups: have it send only those that matter here, at Entra "Groups assigned to the application"'

describe('who may come in: a preset, what the provider says, a rule', () => {
  for (const [preset, claims, rules, answer] of [
    ['plain', {}, {}, 'in'],
    ['plain', proven, allowed, 'in'],
    ['plain', unproven, allowed, 'no verified domain'],
    ['plain', { email: 'a@example.com' }, allowed, 'no verified domain'],
    ['plain', { ...proven, email_verified: 'true' }, allowed, 'no verified domain'],
    [
      'plain',
      { ...proven, email: 'a@example.com@evil.example' },
      allowed,
      'the domain evil.example is not allowed',
    ],
    [
      'plain',
      { ...proven, email: 'a@sub.example.com' },
      allowed,
      'the domain sub.example.com is not allowed',
    ],
    ['plain', { ...proven, email: 'a@BÜCHER.example' }, bookshop, 'in'],
    [
      'plain',
      { ...proven, email: 'a@bücher.example' },
      { deny: bookshop.allow },
      'the domain xn--bcher-kva.example is refused',
    ],
    [
      'plain',
      { ...proven, email: 'a@bücher.example/x' },
      bookshop,
      'the domain bücher.example/x is not allowed',
    ],
    ['plain', { ...proven, email: ['a@example.com'] }, allowed, 'no verified domain'],
    ['plain', { ...proven, email: 'a@other.example' }, denied, 'in'],
    ['plain', proven, denied, 'the domain example.com is refused'],
    ['plain', unproven, denied, 'no verified domain, of which a rule refuses some'],
    ['plain', {}, denied, 'no verified domain, of which a rule refuses some'],
    ['plain', { groups: ['staff'] }, staff, 'in'],
    ['plain', { groups: 'staff' }, staff, 'in'],
    ['plain', { groups: ['staff'] }, { allow: { groups: ['guests', 'staff'] } }, 'in'],
    ['plain', { groups: ['Staff'] }, staff, 'in none of the groups that are allowed'],
    ['plain', {}, staff, 'in none of the groups that are allowed'],
    ['plain', { roles: ['staff'] }, staff, 'in none of the groups that are allowed'],
    ['plain', { groups: ['staff', 'suspended'] }, suspended, 'the group suspended is refused'],
    ['plain', { groups: ['staff'] }, suspended, 'in'],
    [
      'plain',
      { groups: ['staff', 'suspended'] },
      { ...staff, ...suspended },
      'the group suspended is refused',
    ],
    ['plain', manyGroups, suspended, overage],
    ['plain', { hasgroups: true }, staff, overage],
    ['plain', { hasgroups: 'true' }, staff, overage],
    ['plain', { _claim_names: { address: 'src1' } }, suspended, 'in'],
    [
      'plain',
      { _claim_names: { 'our/groups': 's' } },
      { claims: { groups: ['our/groups'] }, ...suspended },
      overage,
    ],
    ['plain', { _claim_names: { a: 'src1' } }, { claims: { groups: ['a.groups'] }, ...suspended }, overage],
    [
      'plain',
      { a: { groups: ['suspended'] } },
      { claims: { groups: ['a.groups'] }, ...suspended },
      'the group suspended is refused',
    ],
    [
      'keycloak',
      { realm_access: { roles: ['staff'] } },
      { claims: { groups: ['realm_access.roles'] }, ...staff },
      'in',
    ],
    ['keycloak', { realm_access: { roles: ['staff'] } }, staff, 'in none of the groups that are allowed'],
    ['entra', { ...proven, tid: 'one' }, allowed, 'no verified domain'],
    ['entra', { ...proven, xms_edov: true }, allowed, 'in'],
    ['entra', { ...unproven, xms_edov: false }, denied, 'no verified domain, of which a rule refuses some'],
    ['entra', { tid: 'one' }, { allow: { tenants: ['one'] } }, 'in'],
    ['entra', { tid: 'two' }, { allow: { tenants: ['one'] } }, 'the tenant two is not allowed'],
    ['entra', {}, { allow: { tenants: ['one'] } }, 'no tenant'],
    ['entra', manyGroups, {}, overage],
    ['entra', manyGroups, { claims: { groups: [] } }, 'in'],
    ['auth0', { org_id: 'org_1' }, { allow: { tenants: ['org_1'] } }, 'in'],
    ['auth0', { org_name: 'org_1' }, { allow: { tenants: ['org_1'] } }, 'no tenant'],
    [
      'okta',
      { ...proven, groups: ['staff'] },
      { allow: { groups: ['staff'], domains: ['example.com'] } },
      'in',
    ],
    ['google', { ...proven, hd: 'Example.com' }, allowed, 'in'],
    ['google', { hd: 'bücher.example' }, bookshop, 'in'],
    ['google', proven, allowed, 'no verified domain'],
    ['google', { ...proven, hd: 'other.example' }, allowed, 'the domain other.example is not allowed'],
    [
      'google',
      proven,
      { deny: { domains: ['other.example'] } },
      'no verified domain, of which a rule refuses some',
    ],
    ['google', { hd: 'example.com' }, { allow: { tenants: ['example.com'] } }, 'in'],
    ['github', { groups: ['company', 'company/ops'] }, { allow: { groups: ['company/ops'] } }, 'in'],
  ] satisfies [keyof typeof presets, Record<string, unknown>, Rules, string][])
    it(`${preset}: ${JSON.stringify(claims)} under ${JSON.stringify(rules)}: ${answer}`, () =>
      assert.equal(judge(preset, claims, rules), answer))
})
