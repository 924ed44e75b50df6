import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import type { AdmissionRules } from '../../src/identity/admission-rules.ts'
import { confirmAccount } from '../../src/identity/confirm-account.ts'
import type { Identity } from '../../src/identity/contract.ts'
import { federatedIdentity } from '../../src/identity/federated.ts'
import {
  type LoginProvider,
  type ProvenIdentity,
  ProviderAway,
  ProviderRefused,
} from '../../src/identity/provider-contract.ts'
import { type ClaimNames, readFacts } from '../../src/identity/provider-facts.ts'
import type { IdentityFacts, IdentityStore, LinkedIdentity } from '../../src/storage/identity-contract.ts'
import type { User, UserStore } from '../../src/storage/user-contract.ts'

const claims: ClaimNames = {
  name: ['name'],
  email: 'email',
  emailVerified: 'email_verified',
  domain: undefined,
  tenant: 'tid',
  groups: ['groups'],
  roles: [],
}
const rules: AdmissionRules = {
  allow: { domains: [], tenants: [], groups: [] },
  deny: { domains: [], groups: ['suspended'] },
}
const times = { recheckSeconds: 60, outageSeconds: 600, unconfirmedSeconds: 600 }
const attempt = { state: 's', nonce: 'n', verifier: 'v' }
const facts = { displayName: 'Ada', email: undefined, domain: undefined, tenant: undefined, roles: [] }

const user = (id: string, more: Partial<User> = {}): User => ({
  id,
  name: `company:${id}`,
  displayName: 'Ada',
  passwordHash: undefined,
  createdAt: 1,
  disabledAt: undefined,
  loginsSince: 0,
  provider: 'company',
  ...more,
})

const linkedTo = (userId: string, more: Partial<LinkedIdentity> = {}): LinkedIdentity => ({
  userId,
  issuer: 'https://login.example.com',
  subject: 'ada',
  facts: { ...facts, groups: ['staff'] },
  credential: 'a credential',
  askedAt: 0,
  confirmedAt: 0,
  loggedInAt: clock.now(),
  ...more,
})

/** People of one provider, which proves what it is told to, beside people who are kept here. */
function open(users: readonly User[], proves: Partial<ProvenIdentity> = {}, refusal?: ProviderRefused) {
  const entered: string[] = []
  const proven = {
    issuer: 'https://login.example.com',
    subject: 'ada',
    claims: {},
    credential: undefined,
    ...proves,
  }
  const company = {
    name: 'company',
    label: 'the company',
    redeem: async () => (refusal === undefined ? proven : Promise.reject(refusal)),
  } as unknown as LoginProvider
  const kept = { id: 'usr_kept', displayName: 'Kept' }
  const others: Identity = {
    find: async (id) => (id === kept.id ? kept : undefined),
    login: async ({ name }) => (name === 'kept' ? kept : { refused: 'no' }),
    confirm: async () => 'unknown',
  }
  const { identity, federation } = federatedIdentity({
    providers: [{ provider: company, claims, rules, times }],
    others,
    users: { find: async (id) => users.find((one) => one.id === id) } as UserStore,
    identities: {
      findByUser: async (id) => linkedTo(id),
      async enter({ user: { name } }) {
        entered.push(name)
        return user('usr_ada')
      },
    } as IdentityStore,
    clock,
    endAccess: async () => undefined,
    onAway: () => undefined,
    onWithdrawal: () => undefined,
  })
  return { identity, entered, finish: async () => federation.finish(company, '', attempt) }
}

describe('people of identity providers', () => {
  it('are known as long as they are not kept out and their provider is one of ours (A58)', async () => {
    const people = [
      user('usr_ada'),
      user('usr_out', { disabledAt: 1 }),
      user('usr_gone', { provider: 'earlier' }),
    ]
    const { identity } = open(people)
    const found = await Promise.all(people.map(({ id }) => identity.find(id)))
    assert.deepEqual(
      found.map((one) => one?.provider),
      ['company', undefined, undefined],
    )
  })

  it('stand beside people who are kept here, and are asked about apart', async () => {
    const { identity } = open([user('usr_kept', { provider: undefined })])
    assert.equal((await identity.find('usr_kept'))?.displayName, 'Kept')
    assert.equal(await identity.confirm('usr_kept'), 'unknown')
    const form = { password: 'x', address: '192.0.2.1' }
    assert.deepEqual(await identity.login({ name: 'kept', ...form }), { id: 'usr_kept', displayName: 'Kept' })
  })

  it('are let in by a subject that can be kept, with facts that fit into a token, or told why not', async () => {
    for (const [proves, reason] of [
      [{ subject: '' }, /subject cannot be used/],
      [{ subject: 'x'.repeat(256) }, /subject cannot be used/],
      [{ subject: 'a\u0000da' }, /subject cannot be used/],
      // Stores cannot tell it from others.
      [{ subject: 'ada\ud800' }, /subject cannot be used/],
      [
        { claims: { groups: Array.from({ length: 500 }, (_, index) => `group-${index}`) } },
        /names 500 groups that take more than 5000 bytes together: have it/,
      ],
    ] as const) {
      const { entered, finish } = open([], proves)
      const answer = await finish()
      assert.ok('refused' in answer)
      assert.match(answer.reason ?? '', reason)
      assert.deepEqual(entered, [])
    }
    const { entered, finish } = open([], { subject: 'x'.repeat(255), claims: { groups: ['staff'] } })
    assert.ok(!('refused' in (await finish())))
    assert.deepEqual(
      entered,
      [`company:${'x'.repeat(192)}`],
      'operators know them by a name that fits a line',
    )
  })

  it('are told whether they cancelled, or their provider proved nothing, and operators what it said', async () => {
    for (const [code, refused] of [
      ['access_denied', 'the company says that you cancelled the sign-in, or are not allowed to sign in.'],
      ['server_error', 'the company did not prove who you are.'],
    ] as const) {
      const { finish } = open([], {}, new ProviderRefused(`the answer is ${code}`, { code }))
      assert.deepEqual(await finish(), { refused, reason: `company: the answer is ${code}` })
    }
  })
})

describe('what a provider says of somebody', () => {
  it('is left out where it is no text, or one that no store and no header holds', () => {
    for (const wrong of ['', 7, null, ['Ada'], 'A\u0000da', 'A\r\nx: y']) {
      const said = {
        name: wrong,
        email: wrong,
        email_verified: true,
        groups: ['staff', 'a\u0000', 7, 'b\n', 'staff'],
      }
      const { displayName, email, groups } = readFacts(said, claims, 'ada')
      assert.deepEqual([displayName, email, groups], ['ada', undefined, ['staff']], JSON.stringify(wrong))
    }
    assert.equal(readFacts({ name: 'x'.repeat(300) }, claims, 'ada').displayName.length, 200)
  })
})

describe('asking a provider whether it still vouches for somebody', () => {
  const confirm = async (
    linked: LinkedIdentity | undefined,
    renew: LoginProvider['renew'],
    allowed: Partial<AdmissionRules['allow']> = {},
    isFirst = true,
  ) => {
    const done: string[] = []
    const ports = {
      identities: {
        findByUser: async () => linked,
        claimQuestion: async () => isFirst,
        confirm: async (_: string, { facts: { displayName, groups } }: { readonly facts: IdentityFacts }) =>
          void done.push(`${displayName} ${groups.join()}`),
        refuse: async () => void done.push('refused'),
      } as unknown as IdentityStore,
      clock,
      endAccess: async () => void done.push('ended'),
      onAway: () => void done.push('away'),
      onWithdrawal: () => void done.push('withdrawn'),
    }
    const provider = { name: 'company', renew } as unknown as LoginProvider
    const allow = { ...rules.allow, ...allowed }
    const vouching = { provider, claims, rules: { ...rules, allow }, times }
    return { answer: await confirmAccount(ports, 'usr_ada', vouching), done }
  }
  const never = () => assert.fail('it is not asked')
  const known = { issuer: 'https://login.example.com', subject: 'ada' }

  it('is no question where nothing is known of them any more', async () => {
    assert.deepEqual(await confirm(undefined, never), { answer: 'ended', done: [] })
  })

  it('is none where nothing was given to ask by: a login then counts for a while', async () => {
    const since = (seconds: number) =>
      linkedTo('usr_ada', { credential: undefined, loggedInAt: clock.now() - seconds * 1000 })
    assert.deepEqual(await confirm(since(590), never), { answer: 'current', done: [] })
    assert.deepEqual(await confirm(since(610), never), { answer: 'ended', done: [] })
  })

  it('leaves what it said where it is silent about them, and drops groups that it names no more', async () => {
    const linked = linkedTo('usr_ada')
    const silent = await confirm(linked, async () => ({ credential: 'next', identity: undefined }))
    assert.deepEqual(silent, { answer: 'renewed', done: ['Ada staff'] })
    const said = { ...known, claims: {} }
    const fresh = await confirm(linked, async () => ({ credential: 'next', identity: said }))
    assert.deepEqual(fresh, { answer: 'renewed', done: ['Ada '] })
  })

  it('leaves the domain that it proved where it names no address, and not where it proves that no more', async () => {
    const linked = linkedTo('usr_ada', { facts: { ...facts, groups: [], domain: 'example.com' } })
    const answerTo = async (said: object) =>
      (
        await confirm(
          linked,
          async () => ({ credential: 'next', identity: { ...known, claims: { ...said } } }),
          { domains: ['example.com'] },
        )
      ).answer
    assert.equal(await answerTo({}), 'renewed')
    assert.equal(await answerTo({ email: 'ada@example.com', email_verified: true }), 'renewed')
    assert.equal(await answerTo({ email: 'ada@example.com', email_verified: false }), 'ended')
    assert.equal(await answerTo({ email: 'ada@other.example', email_verified: true }), 'ended')
  })

  it('leaves the tenant that it said where it names none, and not where it names another', async () => {
    const linked = linkedTo('usr_ada', { facts: { ...facts, groups: [], tenant: 'ours' } })
    for (const [said, answer] of [
      [{}, 'renewed'],
      [{ tid: 'theirs' }, 'ended'],
    ] as const) {
      const identity = { ...known, claims: said }
      const renew = async () => ({ credential: 'next', identity })
      assert.equal((await confirm(linked, renew, { tenants: ['ours'] })).answer, answer)
    }
  })

  it('is a no where the answer is about somebody else, or a rule refuses what it says now', async () => {
    for (const identity of [
      { ...known, subject: 'eve', claims: {} },
      { ...known, issuer: 'https://evil.example', claims: {} },
      { ...known, claims: { groups: ['suspended'] } },
      { ...known, claims: { groups: ['x'.repeat(5000)] } }, // which no token can hold
    ]) {
      const { answer, done } = await confirm(linkedTo('usr_ada'), async () => ({ credential: 'c', identity }))
      assert.deepEqual([answer, done], ['ended', ['withdrawn', 'refused', 'ended']], JSON.stringify(identity))
    }
  })

  it('is due where the last answer lies ahead, since the clock was set back, and not where clocks differ', async () => {
    const ahead = (seconds: number) => {
      const time = clock.now() + seconds * 1000
      return linkedTo('usr_ada', { confirmedAt: time, askedAt: time })
    }
    const asked = await confirm(ahead(3600), async () => ({ credential: 'next', identity: undefined }))
    assert.deepEqual(asked, { answer: 'renewed', done: ['Ada staff'] })
    assert.deepEqual(await confirm(ahead(5), never), { answer: 'current', done: [] })
  })

  it('is left to the process that was first, and to a later moment where it did not answer just now', async () => {
    const elsewhere = (seconds: number) => linkedTo('usr_ada', { confirmedAt: clock.now() - seconds * 1000 })
    for (const [seconds, answer] of [
      [300, 'current'],
      [700, 'unknown'],
    ] as const) {
      assert.deepEqual(await confirm(elsewhere(seconds), never, {}, false), { answer, done: [] })
      const justAsked = { ...elsewhere(seconds), askedAt: clock.now() - 5000 }
      assert.deepEqual(await confirm(justAsked, never), { answer, done: [] })
      const again = { ...justAsked, askedAt: clock.now() - 11_000 }
      const { done } = await confirm(again, async () => ({ credential: 'next', identity: undefined }))
      assert.deepEqual(done, ['Ada staff'])
    }
  })

  it('is silence where it does not answer, and a fault of ours is neither yes nor no', async () => {
    const linked = linkedTo('usr_ada')
    const away = await confirm(linked, () => Promise.reject(new ProviderAway('no answer')))
    assert.deepEqual(away, { answer: 'unknown', done: ['away'] })
    const fault = confirm(linked, () => Promise.reject(new TypeError('a fault')))
    await assert.rejects(fault, TypeError)
  })
})
