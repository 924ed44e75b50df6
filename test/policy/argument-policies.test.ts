import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PolicyJudgement } from '../../src/policy/policy-contract.ts'
import { policiesOf } from '../support/policies.ts'
import { principalOf } from '../support/principal.ts'

const call = 'action == Action::"tools/call"'

/** What policies say of a call of a tool; without arguments, of any call. */
function judge(text: string, given?: unknown, name = 'pay'): PolicyJudgement {
  const object = { kind: 'tools', name, ...(given === undefined ? {} : { arguments: given }) } as const
  return policiesOf(text).judge(principalOf(), object)
}

const permit = (condition: string): string => `permit(principal, ${call}, resource) when { ${condition} };`
const forbid = (condition: string): string =>
  `permit(principal, action, resource); @id("no") forbid(principal, ${call}, resource) when { ${condition} };`

describe('policies on arguments', () => {
  it('decide by what a tool is called with', () => {
    const text = permit(
      'context.arguments.amount <= 100 && ["EUR", "USD"].contains(context.arguments.currency)',
    )
    for (const [given, verdict] of [
      [{ amount: 100, currency: 'EUR' }, 'permitted'],
      [{ amount: 101, currency: 'EUR' }, 'unpermitted'],
      [{ amount: 100, currency: 'CHF' }, 'unpermitted'],
      [{ amount: 1e2, currency: 'EUR' }, 'permitted'],
    ] as const)
      assert.equal(judge(text, given).verdict, verdict, JSON.stringify(given))
  })

  it('look into objects and lists', () => {
    const text = permit(
      'context.arguments.to.name == "a b" && context.arguments.tags.containsAll(["x", true, 3])',
    )
    assert.equal(
      judge(text, { to: { name: 'a b', more: null }, tags: [3, 'x', true, null] }).verdict,
      'permitted',
    )
    assert.equal(judge(text, { to: { name: 'a b' }, tags: ['3', 'x', true] }).verdict, 'unpermitted')
    assert.equal(judge(text, { to: [{ name: 'a b' }], tags: [] }).verdict, 'unpermitted')
  })

  it('permit nothing, and forbid everything, where they cannot be evaluated', () => {
    for (const given of [
      {},
      { amount: '5' },
      { amount: 5.5 },
      { amount: null },
      { amount: 2 ** 53 },
      { amount: [] },
    ]) {
      const permitted = judge(permit('context.arguments.amount < 100'), given)
      assert.equal(permitted.verdict, 'unpermitted', JSON.stringify(given))
      assert.equal(permitted.obstacles[0]?.split(' ')[0], 'p.cedar:1:1')
      const forbidden = judge(forbid('context.arguments.amount > 100'), given)
      assert.deepEqual([forbidden.verdict, forbidden.decisive], ['forbidden', ['no']], JSON.stringify(given))
      assert.equal(forbidden.obstacles[0]?.split(' ')[0], 'no')
    }
    assert.equal(judge(forbid('context.arguments.amount > 100'), { amount: 5 }).verdict, 'permitted')
  })

  it('find what Cedar has no value for, as its JSON', () => {
    for (const value of [1.5, 2 ** 60, { __entity: { type: 'User', id: 'root' } }, { a: [], __extn: 1 }]) {
      assert.equal(judge(forbid('context.arguments has x'), { x: value }).verdict, 'forbidden')
      const written = JSON.stringify(JSON.stringify(value))
      assert.equal(judge(permit(`context.arguments.x == ${written}`), { x: value }).verdict, 'permitted')
    }
    // A caller cannot make an entity, and be it.
    const entity = { __entity: { type: 'User', id: 'ada' } }
    for (const x of [entity, [entity], { __extn: { fn: 'ip', arg: '::1' } }]) {
      assert.notEqual(judge(permit('context.arguments.x == User::"ada"'), { x }).verdict, 'permitted')
      assert.notEqual(judge(permit('context.arguments.x.contains(User::"ada")'), { x }).verdict, 'permitted')
    }
    const whole = permit('context.arguments == User::"ada" || context.arguments has a')
    assert.equal(judge(whole, entity).verdict, 'unpermitted')
  })

  it('take members for what they are called', () => {
    const given = JSON.parse('{"__proto__": "a", "constructor": "b", "a b": "c"}') as object
    const text = permit(
      'context.arguments["__proto__"] == "a" && context.arguments["constructor"] == "b" && context.arguments["a b"] == "c"',
    )
    assert.equal(judge(text, given).verdict, 'permitted')
    assert.equal(
      judge(forbid('context.arguments has toString || context.arguments["constructor"] == ""'), {}).verdict,
      'forbidden',
    )
    for (const name of ['toString', 'constructor', '__proto__'])
      assert.equal(judge(forbid(`context.arguments has "${name}"`), {}).verdict, 'permitted', name)
  })

  it('survive whatever is nested, long, or no text in Unicode', () => {
    let nested: unknown = 'x'
    for (let depth = 0; depth < 5000; depth++) nested = depth % 2 === 0 ? [nested] : { nested }
    const text = forbid('context.arguments has x && context.arguments.x like "*secret*"')
    assert.equal(judge(text, { x: nested }).verdict, 'forbidden')
    assert.equal(judge(text, { x: `${'a'.repeat(1_000_000)}secret` }).verdict, 'forbidden')
    assert.equal(judge(text, { x: 'secret\ud800' }).verdict, 'forbidden')
    assert.equal(judge(text, { x: 'fine', y: nested, ['z\udc00']: nested }).verdict, 'permitted')
  })

  it('permit nothing that a server may understand otherwise, since names in it differ by case alone', () => {
    const text = `permit(principal, action, resource); ${forbid('context.arguments has mode && context.arguments.mode == "all"')}`
    for (const given of [{ Mode: 'all' }, { mode: 'one', MODE: 'all' }, { mode: { mode: 1, mOde: 2 } }]) {
      const judged = judge(text, given)
      assert.equal(judged.verdict, 'unpermitted', JSON.stringify(given))
      assert.match(judged.obstacles.join(), /differs from "mode" by case/)
    }
    const nested = forbid('context.arguments has to && context.arguments.to has KiS')
    for (const given of [{ to: { kis: 1 } }, { to: [{ 'K\u0131S': 1, '\u212ai\u017f': 1 }] }])
      assert.equal(judge(nested, given).verdict, 'unpermitted', JSON.stringify(given))
    const equal = forbid('context.arguments has to && [{ mode: "all" }].contains(context.arguments.to)')
    assert.equal(judge(equal, { to: { Mode: 'all' } }).verdict, 'unpermitted')
    assert.equal(
      judge(forbid('context.arguments == { mode: "all" }'), { Mode: 'all' }).verdict,
      'unpermitted',
    )
    // Of names in what no policy looks at nothing is said.
    assert.equal(judge(text, { mode: 'one', other: { Mode: 'all' }, modes: 1 }).verdict, 'permitted')
    assert.equal(judge(nested, { to: { Kit: 1 } }).verdict, 'permitted')
  })

  it('mind no names like those of what callers, objects and the context have', () => {
    const text = `permit(principal, ${call}, resource) when { resource.name == "pay" && !(principal has actor) };
      ${forbid('context.arguments has x && principal.subject != "ada" && context.now < datetime("2027-01-01")')}`
    for (const name of ['Name', 'Subject', 'ACTOR', 'Now', 'Arguments'])
      assert.equal(judge(text, { [name]: 1 }).verdict, 'permitted', name)
    const both = forbid('context.arguments has name && resource.name == context.arguments.name')
    assert.equal(judge(both, { Name: 'pay' }).verdict, 'unpermitted')
    assert.equal(judge(forbid('context has arguments.name'), { Name: 1 }).verdict, 'unpermitted')
  })

  it('permit nothing with more values than can be looked at in passing', () => {
    const text = forbid('context.arguments has x && context.arguments.x == 1')
    const many = (count: number): unknown => ({ x: Array.from({ length: count }, (_, index) => index) })
    assert.equal(judge(text, many(9_999)).verdict, 'permitted')
    const judged = judge(text, many(10_000))
    assert.deepEqual([judged.verdict, judged.obstacles.length], ['unpermitted', 1])
    assert.match(judged.obstacles.join(), /more than 10000 values/)
  })

  it('do not repeat what a tool is called with where they cannot be evaluated', () => {
    for (const condition of [
      'context.arguments.x < 5',
      'context.arguments.y == 1',
      'context.arguments.x.y == 1',
      'decimal(context.arguments.x) == decimal("1.0")',
      'ip(context.arguments.x).isIpv4()',
      'datetime(context.arguments.x) < datetime("2027-01-01")',
      'context.arguments.n * 5000 < 9',
    ]) {
      const { obstacles } = judge(forbid(condition), { x: 'hunter2', n: 9007199254740991, hunter2: 1 })
      assert.match(obstacles.join(), /^no cannot be evaluated: (type|record|error|integer)/, condition)
      assert.doesNotMatch(obstacles.join(), /hunter2|9007/, condition)
    }
  })

  it('permit nothing that is called with no object', () => {
    for (const given of [[], 'x', 5, null, ['amount']])
      assert.equal(judge(permit('!(context.arguments has x)'), given).verdict, 'unpermitted')
  })

  it('need no arguments for prompts and tools of which none speak', () => {
    const policies = policiesOf(`permit(principal, action, resource);`)
    assert.equal(policies.readsArguments, false)
    assert.equal(
      policies.judge(principalOf(), { kind: 'tools', name: 'x', arguments: [] }).verdict,
      'permitted',
    )
    assert.equal(policiesOf(permit('context has arguments.x')).readsArguments, true)
  })

  it('say of the arguments of prompts what they say of those of tools', () => {
    const policies = policiesOf(
      'permit(principal, action == Action::"prompts/get", resource) when { context.arguments.topic == "a" };',
    )
    const judged = (given: object): string =>
      policies.judge(principalOf(), { kind: 'prompts', name: 'p', arguments: given }).verdict
    assert.deepEqual([judged({ topic: 'a' }), judged({ topic: 'b' })], ['permitted', 'unpermitted'])
  })
})

describe('a list under policies on arguments (N28)', () => {
  it('shows what some arguments would be permitted for, and hides what none would', () => {
    const text = `
      permit(principal, ${call}, resource == Tool::"files/pay") when { context.arguments.amount < 100 };
      permit(principal, ${call}, resource) when { resource.name == "send" && context.arguments.to == principal.subject };
      permit(principal, ${call}, resource) unless { resource.name != "wipe" || context.arguments has all };
      forbid(principal, ${call}, resource == Tool::"files/send") when { context.arguments.to like "*@evil" };
      forbid(principal, ${call}, resource == Tool::"files/never");`
    const shown = ['pay', 'send', 'wipe', 'never', 'other'].filter(
      (name) => judge(text, undefined, name).verdict === 'permitted',
    )
    assert.deepEqual(shown, ['pay', 'send', 'wipe'])
  })

  it('hides nothing that can be called, whatever the policies are', () => {
    const atom = fc.constantFrom(
      'context.arguments.a == 1',
      'context.arguments has b',
      'context.arguments.c.d < 3',
      'context has arguments.b',
      'resource.name == "pay"',
      'resource.name like "p*"',
      'principal in Group::"staff"',
      'principal has actor',
      'true',
      'context.arguments == context.arguments',
      'resource.name == context.arguments.name',
    )
    const condition = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        atom,
        tie('any').map((one) => `!(${one})`),
        fc.tuple(tie('any'), tie('any')).map(([one, other]) => `(${one} && ${other})`),
        fc.tuple(tie('any'), tie('any')).map(([one, other]) => `(${one} || ${other})`),
        fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
      ),
    })).any
    const policy = fc
      .tuple(
        fc.constantFrom('permit', 'permit', 'forbid'),
        fc.array(fc.tuple(fc.constantFrom('when', 'unless'), condition), { maxLength: 2 }),
      )
      .map(([effect, clauses]) => {
        const conditions = clauses.map(([kind, body]) => ` ${kind} { ${body} }`).join('')
        return `${effect}(principal, ${call}, resource)${conditions};`
      })
    const value = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom('pay', null, 1.5))
    const given = fc.record(
      { a: value, b: value, c: fc.oneof(value, fc.record({ d: value })), name: value },
      { requiredKeys: [] },
    )
    let called = 0
    fc.assert(
      fc.property(fc.array(policy, { minLength: 1, maxLength: 4 }), given, (policies, args) => {
        const text = policies.join('\n')
        let judged
        try {
          judged = judge(text, args)
        } catch (error) {
          // Some of these conditions are always false, which is refused.
          if (/policy is impossible/.test(String(error))) return
          throw error
        }
        if (judged.verdict !== 'permitted') return
        called++
        assert.equal(judge(text).verdict, 'permitted', text)
      }),
      { numRuns: 400 },
    )
    assert.ok(called > 40, `only ${called} of these calls were permitted`)
  })
})
