import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { keyCommand } from '../../src/cli/key.ts'
import { withStore } from '../../src/cli/with-store.ts'
import { recordedEvents } from '../support/recorded-events.ts'
import { runHere, type Said } from '../support/run-here.ts'
import { setVariable } from '../support/set-variable.ts'

type Listed = Readonly<
  Record<'key' | 'signs' | 'algorithm' | 'state' | 'signs_from' | 'verifies_until', string>
>

interface Keys {
  readonly run: (...args: string[]) => Promise<Said>
  /** Those of tokens, or also those of the audit, to which each change is written. */
  readonly list: (which?: 'all') => Promise<Listed[]>
  /** How what was done ended, according to the audit. */
  readonly audited: (action: string) => RecordedEvent['outcome'][]
}

/** The keys of an installation whose servers were started to sign with an algorithm. */
async function open(test: TestContext, signingAlgorithm = 'ES256'): Promise<Keys> {
  const data = mkdtempSync(join(tmpdir(), 'keys-'))
  const facts = { publicUrl: 'http://127.0.0.1:3002', resources: [], names: [], users: 'local' }
  await withStore({ data }, ({ store }) => store.lastStart.write({ ...facts, signingAlgorithm }), {
    beforeMaking: async () => undefined,
  })
  const run = (...args: string[]) => runHere(test, keyCommand(), [...args, '--data', data])
  return {
    run,
    async list(which) {
      const all = JSON.parse((await run('list', '--json')).out) as Listed[]
      return all.filter(({ signs }) => which === 'all' || signs !== 'the audit')
    },
    audited: (action) =>
      recordedEvents(join(data, 'audit'))
        .filter((event) => event.action === action)
        .map(({ outcome }) => outcome),
  }
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

describe('portcullis key', { timeout: 60_000 }, () => {
  it('rotates: a key that waits, which is taken by the next rotation, and the end of those before it', async (test) => {
    const { run, list } = await open(test)
    assert.match(
      (await run('rotate', '--now')).out,
      /^The new key \S+ is published and signs now\.\nTokens that older keys/,
    )
    const [first] = (await list()) as [Listed]
    const { key, signs_from: from, ...rest } = first
    assert.deepEqual(rest, {
      signs: 'access tokens',
      algorithm: 'ES256',
      state: 'active',
      verifies_until: '-',
    })
    assert.match(from, time)

    const made = /^The new key (\S+) is published and signs from (\S+Z)\.$/m.exec((await run('rotate')).out)
    const waiting = await run('rotate')
    assert.ok(
      waiting.out.startsWith(
        `A rotation is under way: the key ${made?.[1]} is published and signs from ${made?.[2]}.`,
      ),
    )
    const states = (await list()).map((one) => [one.key, one.state, time.test(one.verifies_until)])
    assert.deepEqual(
      new Set(states),
      new Set([
        [made?.[1], 'next', false],
        [key, 'active', true],
      ]),
    )
    const table = (await run('list')).out.split('\n')
    assert.match(table[0] ?? '', /^key +signs +algorithm +state +signs from +verifies until$/)
    assert.equal(table.length, 4)
  })

  it('rotates the keys of one purpose alone', async (test) => {
    const { run, list } = await open(test, 'RS256')
    const identity = await run('rotate', '--identity')
    const audit = await run('rotate', '--audit', '--now')
    const ofAudit = ['the audit', 'EdDSA']
    const listed = (await list('all')).map(({ signs, algorithm }) => [signs, algorithm])
    assert.deepEqual(listed, [['identity tokens', 'ES256'], ofAudit, ofAudit])
    assert.match(identity.out, /^The new key \S+ is published and signs from \S+\.\nTokens that older keys/)
    assert.match(
      audit.out,
      /^The new key \S+ is published and signs now\.\nWhat older keys have signed in the audit/,
    )
    for (const [flags, refusal] of [
      [['--identity', '--audit'], /^--identity, --audit: are alternatives/],
      [['--identity', '--algorithm', 'EdDSA'], /^--algorithm: applies only to/],
      [['--audit', '--algorithm', 'EdDSA'], /^--algorithm: applies only to/],
    ] as const)
      assert.match((await run('rotate', ...flags)).failure ?? '', refusal)
    assert.equal((await list('all')).length, 3)
  })

  it('makes a key of another algorithm, with which no server signs until it starts so', async (test) => {
    const { run, list } = await open(test)
    await run('rotate', '--now')
    const chosen = await run('rotate', '--now', '--algorithm', 'EdDSA')
    assert.match(
      chosen.out,
      /^The new key \S+ is published\.\nIt signs with EdDSA\. The servers .* sign with ES256 and/,
    )
    setVariable(test, 'PORTCULLIS_TOKENS_SIGNING_ALGORITHM', 'RS256')
    assert.match((await run('rotate')).out, /It signs with RS256\. The servers .* sign with ES256 and/)
    const keys = await list()
    assert.deepEqual(
      new Map(keys.map(({ algorithm, verifies_until: until }) => [algorithm, until])),
      new Map(['ES256', 'EdDSA', 'RS256'].map((algorithm) => [algorithm, '-'])),
    )
    assert.equal(keys.find(({ algorithm }) => algorithm === 'ES256')?.state, 'active')
  })

  it('retires a key at once, and says what that means for what it signed', async (test) => {
    const { run, list } = await open(test)
    for (const flags of [[], ['--identity']]) await run('rotate', '--now', ...flags)
    const said = new Map<string, string>()
    for (const { key, signs } of await list('all')) said.set(signs, (await run('retire', key)).out)
    assert.match(
      said.get('access tokens') ?? '',
      /has ended, and another key signs now\.\nThe access tokens that it signed are refused/,
    )
    const ofAudit = (await list('all')).filter(({ signs }) => signs === 'the audit')
    assert.deepEqual(
      ofAudit.map(({ state, verifies_until: until }) => `${state} ${until}`).toSorted(),
      ['active -', 'retired -'],
      'what it signed counts for good',
    )
    assert.match(said.get('identity tokens') ?? '', /\nThe identity tokens that it signed are refused/)
    assert.match(
      said.get('the audit') ?? '',
      /has ended, and another key signs now\.\nWhat older keys have signed in the audit can still be verified with them\. So can what somebody else/,
    )
  })

  it('retires no key twice, nor one that there is not, and the audit says so', async (test) => {
    const { run, list, audited } = await open(test)
    for (const flags of [[], ['--audit']]) await run('rotate', '--now', ...flags)
    for (const signs of ['access tokens', 'the audit']) {
      const { key = '' } = (await list('all')).find((listed) => listed.signs === signs) ?? {}
      await run('retire', key)
      assert.equal((await run('retire', key)).failure, `key: ${key} has ended already`)
    }
    assert.equal(
      (await run('retire', 'nobody')).failure,
      'key: there is no key nobody: portcullis key list shows all',
    )
    assert.deepEqual(audited('key retire'), ['allowed', 'failed', 'allowed', 'failed'])
  })
})
