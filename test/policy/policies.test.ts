import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import type { NamedObject } from '../../src/mcp/objects.ts'
import type { ServerPolicies } from '../../src/policy/policy-contract.ts'
import { movableClock } from '../support/movable-clock.ts'
import { policiesOf } from '../support/policies.ts'
import { principalOf } from '../support/principal.ts'

const tool = (name: string, given?: unknown): NamedObject => {
  return given === undefined ? { kind: 'tools', name } : { kind: 'tools', name, arguments: given }
}
const resource = (name: string): NamedObject => ({ kind: 'resources', name })
const prompt = (name: string): NamedObject => ({ kind: 'prompts', name })

function permits(policies: ServerPolicies, object: NamedObject, caller: Partial<Principal> = {}): boolean {
  return policies.judge(principalOf(caller), object).verdict === 'permitted'
}

const call = 'action == Action::"tools/call"'

describe('policies', () => {
  it('permit nothing that none of them permits', () => {
    const policies = policiesOf(`permit(principal, ${call}, resource == Tool::"files/read");`)
    assert.deepEqual(policies.judge(principalOf(), tool('write')), {
      verdict: 'unpermitted',
      decisive: [],
      obstacles: [],
    })
    assert.ok(permits(policies, tool('read')))
    assert.ok(!permits(policies, prompt('read')))
    assert.ok(!permits(policies, resource('read')))
  })

  it('permit nothing without a name, with one that is no text in Unicode, or that nobody writes', () => {
    const policies = policiesOf('permit(principal, action, resource);')
    for (const name of [undefined, 'a\ud800', 'a'.repeat(8193)])
      for (const kind of ['tools', 'prompts', 'resources'] as const)
        assert.equal(policies.judge(principalOf(), { kind, name }).verdict, 'unpermitted')
    assert.ok(permits(policies, tool('a'.repeat(8192))))
  })

  it('forbid what one of them forbids, whatever else permits it, and say which', () => {
    const policies = policiesOf(`
      @id("all") permit(principal, action, resource);
      @id("no-delete") forbid(principal, ${call}, resource) when { resource.name like "delete_*" };
      forbid(principal, ${call}, resource == Tool::"files/delete_all");`)
    const judged = policies.judge(principalOf(), tool('delete_all'))
    assert.equal(judged.verdict, 'forbidden')
    assert.deepEqual(judged.decisive.toSorted(), ['no-delete', 'p.cedar:4:7'])
    assert.deepEqual(policies.judge(principalOf(), tool('read')), {
      verdict: 'permitted',
      decisive: ['all'],
      obstacles: [],
    })
  })

  it('mean a name to the letter (A27)', () => {
    const policies = policiesOf(
      `permit(principal, ${call}, resource) when { resource in [Tool::"files/add", Tool::"files/db.read"] };`,
    )
    for (const name of [
      'Add',
      'add ',
      ' add',
      'аdd',
      'add\0',
      'add\n',
      'db',
      'db.',
      'db.read.x',
      'files/add',
      'git/../add',
    ])
      assert.ok(!permits(policies, tool(name)), JSON.stringify(name))
    assert.ok(permits(policies, tool('add')))
  })

  it('know the tools of each server apart', () => {
    const policies = policiesOf(`permit(principal, ${call}, resource in Server::"git");`)
    assert.ok(!permits(policies, tool('add')))
    assert.ok(!permits(policies, tool('git/add')))
  })
})

describe('policies on callers', () => {
  it('tell users, clients, groups and roles apart, and believe only the token and the configuration', () => {
    const policies = policiesOf(
      `permit(principal in Role::"editor", ${call}, resource == Tool::"files/write");
       permit(principal in Group::"staff", ${call}, resource == Tool::"files/read");
       permit(principal == User::"ada", ${call}, resource == Tool::"files/hers");
       permit(principal == Client::"ci", ${call}, resource == Tool::"files/build");
       permit(principal is Client, ${call}, resource == Tool::"files/machine");`,
      { editor: { users: ['eve'], groups: ['staff'], clients: ['ci'] } },
    )
    const callers: Readonly<Record<string, Partial<Principal>>> = {
      ada: {},
      eve: { subject: 'eve' },
      editor: { subject: 'ed', roles: ['editor'] },
      staff: { subject: 's', groups: ['staff', 'others'] },
      'group called like a role': { subject: 'g', groups: ['editor'] },
      'role called like a group': { subject: 'r', roles: ['staff'] },
      ci: { subject: 'ci', clientId: 'ci', kind: 'client' },
      'user called like a client': { subject: 'ci' },
      'client called like a user': { subject: 'eve', clientId: 'eve', kind: 'client' },
      'with the client ci': { subject: 'x', clientId: 'ci' },
      'role of every object': { subject: 'o', roles: ['__proto__', 'constructor'] },
    }
    const names = ['write', 'read', 'hers', 'build', 'machine']
    const may = Object.fromEntries(
      Object.entries(callers).map(([who, caller]) => [
        who,
        names.filter((name) => permits(policies, tool(name), caller)),
      ]),
    )
    assert.deepEqual(may, {
      ada: ['hers'],
      eve: ['write'],
      editor: ['write'],
      staff: ['write', 'read'],
      'group called like a role': [],
      'role called like a group': [],
      ci: ['write', 'build', 'machine'],
      'user called like a client': [],
      'client called like a user': ['machine'],
      'with the client ci': [],
      'role of every object': [],
    })
  })

  it('read who somebody is, at whom, with which client, and who acts for them', () => {
    const policies = policiesOf(`
      permit(principal, ${call}, resource == Tool::"files/subject") when { principal.subject like "a*" };
      permit(principal, ${call}, resource == Tool::"files/issuer") when { principal.issuer == "https://a" };
      permit(principal, ${call}, resource == Tool::"files/client") when { ["app"].contains(principal.client) };
      permit(principal, ${call}, resource == Tool::"files/actor") when { principal has actor && principal.actor == "bot" };
      permit(principal, ${call}, resource == Tool::"files/nobody") unless { principal has actor };
      permit(principal is User, ${call}, resource == Tool::"files/one") when { [User::"ada", User::"eve"].contains(principal) };`)
    const may = (caller: Partial<Principal>): string[] =>
      ['subject', 'issuer', 'client', 'actor', 'nobody', 'one'].filter((name) =>
        permits(policies, tool(name), caller),
      )
    assert.deepEqual(may({}), ['subject', 'client', 'nobody', 'one'])
    assert.deepEqual(may({ subject: 'bob', issuer: 'https://a', actor: 'bot' }), [
      'issuer',
      'client',
      'actor',
    ])
    assert.deepEqual(may({ subject: 'eve', clientId: 'x', actor: 'other' }), ['one'])
  })

  it('know a client by its id, whatever its issuer writes as subject', () => {
    const machine = { kind: 'client', clientId: 'ci', subject: 'ci@clients' } as const
    const roles = { robot: { users: ['ci'], groups: [], clients: ['ci'] } }
    for (const who of ['principal == Client::"ci"', 'principal in Role::"robot"'])
      assert.ok(permits(policiesOf(`permit(${who}, action, resource);`, roles), tool('x'), machine), who)
    const byIdOfUser = { editor: { users: ['ci@clients'], groups: [], clients: ['ci@clients'] } }
    for (const who of ['principal == Client::"ci@clients"', 'principal in Role::"editor"'])
      assert.ok(
        !permits(policiesOf(`permit(${who}, action, resource);`, byIdOfUser), tool('x'), machine),
        who,
      )
  })

  it('know the caller who is reached in another way, too', () => {
    for (const condition of [
      '(if true then principal else principal).client == "app"',
      '{ a: principal }.a.client == "app"',
      '{ "has": principal.client }["has"] == "app"',
      '{ ".": principal has actor }["."] == false',
    ])
      assert.ok(
        permits(policiesOf(`permit(principal, ${call}, resource) when { ${condition} };`), tool('x')),
        condition,
      )
  })

  it('know the caller where a policy asks for attributes of somebody whom it names', () => {
    const named = 'permit(principal == User::"ada", action, resource)'
    for (const who of ['User::"ada"', '{ a: User::"ada" }.a', '(if true then User::"ada" else principal)']) {
      const without = policiesOf(`${named} unless { ${who} has actor };`)
      assert.ok(!permits(without, tool('x'), { actor: 'bot' }), who)
      assert.ok(permits(without, tool('x')), who)
      assert.ok(permits(policiesOf(`${named} when { ${who}.client == "app" };`), tool('x')), who)
    }
  })

  it('give no role that is called like a member of every object', () => {
    for (const role of ['constructor', '__proto__', 'toString'])
      assert.ok(!permits(policiesOf(`permit(principal in Role::"${role}", action, resource);`), tool('x')))
  })

  it('do not mistake one caller for another, whatever they are called', () => {
    const policies = policiesOf(`permit(principal in Group::"a", ${call}, resource);
      permit(principal in Group::"b", ${call}, resource) when { principal.client == "b" };`)
    for (let turn = 0; turn < 2; turn++) {
      assert.ok(permits(policies, tool('x'), { groups: ['a'] }))
      assert.ok(!permits(policies, tool('x'), { groups: ['b'] }))
      assert.ok(permits(policies, tool('x'), { groups: ['b'], clientId: 'b' }))
      assert.ok(!permits(policies, tool('x'), { groups: ['","a'] }))
      assert.ok(!permits(policies, tool('x'), { clientId: 'a' }))
    }
  })
})

describe('policies on time', () => {
  it('are asked anew at each moment', () => {
    const clock = movableClock()
    clock.stop()
    clock.advance(Date.parse('2026-12-31T23:59:59.999Z') - clock.now())
    const policies = policiesOf(
      `permit(principal, ${call}, resource) when { context.now < datetime("2027-01-01") };`,
      {},
      clock,
    )
    assert.ok(permits(policies, tool('x')))
    clock.advance(1)
    assert.ok(!permits(policies, tool('x')))
    assert.ok(!permits(policies, tool('x', {})))
  })
})

describe('policies on resources', () => {
  it('forbid a URI in every spelling that a server may understand (A26)', () => {
    const policies = policiesOf(`permit(principal, action, resource);
      @id("etc") forbid(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///etc/*" };`)
    for (const uri of [
      'file:///etc/passwd',
      'file:///srv/../etc/passwd',
      'file:///srv/%2e%2e/etc/passwd',
      'FILE:///etc/passwd',
      'file://host/etc/passwd',
      'file:///%65tc/passwd',
      'file:///etc/passwd?x',
    ])
      assert.equal(policies.judge(principalOf(), resource(uri)).verdict, 'forbidden', uri)
    assert.equal(
      policies.judge(principalOf(), resource('file:///srv/%2e%2e/etc/a')).understoodAs,
      'file:///etc/a',
    )
    assert.ok(permits(policies, resource('file:///srv/etc/a')))
  })

  it('are asked by what can be said without arguments, which reading one has none of', () => {
    const reads = 'action == Action::"resources/read"'
    const ask = (condition: string): string =>
      policiesOf(`permit(principal, action, resource) when { ${condition} };`).judge(
        principalOf(),
        resource('file:///a'),
      ).verdict
    assert.equal(ask('context.arguments.amount < 100'), 'unpermitted')
    assert.equal(ask('context.arguments has amount'), 'unpermitted')
    assert.equal(ask('!(context.arguments has amount)'), 'permitted')
    const forbidding = policiesOf(`permit(principal, action, resource);
      forbid(principal, ${reads}, resource) when { context.arguments has x || resource.uri like "db:*" };`)
    assert.ok(permits(forbidding, resource('file:///a')))
    assert.ok(!permits(forbidding, resource('db:a')))
  })

  it('are not asked about each URI where none looks at one', () => {
    const policies = policiesOf('permit(principal in Group::"a", action, resource in Server::"files");')
    for (const uri of ['file:///srv/../a', `x:${'%25'.repeat(2000)}`]) {
      assert.ok(permits(policies, resource(uri), { groups: ['a'] }))
      assert.ok(!permits(policies, resource(uri)))
    }
    for (const name of ['a', 'b']) assert.ok(permits(policies, tool(name), { groups: ['a'] }))
    assert.ok(!permits(policies, tool('a')))
  })

  it('permit a named one that is also written otherwise where both are named', () => {
    const named = ['file:///a b', 'file:///a%20b'].map((uri) => `Resource::"files/${uri}"`)
    const policies = policiesOf(`permit(principal, action, resource) when { resource in [${named.join()}] };`)
    for (const uri of ['file:///a b', 'file:///a%20b']) assert.ok(permits(policies, resource(uri)), uri)
    assert.ok(!permits(policies, resource('file:///a')))
  })

  it('permit one only if they permit each of its spellings, and never by what it could also mean', () => {
    const policies = policiesOf(
      `permit(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///srv/*" };`,
    )
    for (const uri of [
      'file:///srv/../etc/passwd',
      'file:///srv/%2e%2e/x',
      'FILE:///srv/a',
      'file://other/srv/a',
    ])
      assert.ok(!permits(policies, resource(uri)), uri)
    assert.ok(permits(policies, resource('file:///srv/a%20b')))
  })
})
