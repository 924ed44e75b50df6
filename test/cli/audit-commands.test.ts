import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { AuditEvent } from '../../src/audit/event.ts'
import { csvHeader } from '../../src/audit/write-csv.ts'
import { auditExportCommand } from '../../src/cli/audit/audit-export.ts'
import { auditPruneCommand } from '../../src/cli/audit/audit-prune.ts'
import { auditQueryCommand } from '../../src/cli/audit/audit-query.ts'
import { auditVerifyCommand } from '../../src/cli/audit/audit-verify.ts'
import { runHere } from '../support/run-here.ts'
import { makeTrailFolder, type TrailFolder } from '../support/trail.ts'

const call = {
  event: 'mcp.call',
  upstream: 'files',
  method: 'tools/call',
  subject: 'ada',
  clientId: 'editor',
} as const
const events: readonly AuditEvent[] = [
  { ...call, object: 'read\u001b[31m', outcome: 'allowed', reason: 'policies would refuse it' },
  {
    ...call,
    object: 'write',
    outcome: 'denied',
    code: 'insufficient_scope',
    missing: ['mcp:tools:execute'],
    reason: 'no scope',
  },
  {
    event: 'oauth.token',
    outcome: 'denied',
    clientId: 'editor',
    grantType: 'refresh_token',
    code: 'invalid_grant',
    reason: 'invalid_grant',
  },
  {
    event: 'admin.client',
    outcome: 'failed',
    operator: 'root',
    action: 'client remove',
    target: 'one',
    reason: 'none there',
  },
  { event: 'mcp.call', outcome: 'denied', upstream: 'files', code: 'token_missing', reason: 'there is none' },
]

/** A folder with these events, and a file with the key that verifies them. */
async function record({
  ends = true,
} = {}): Promise<TrailFolder & { readonly keys: TrailFolder['keys']; file: string }> {
  const made = makeTrailFolder()
  const trail = made.open()
  for (const event of events) trail.commit(event)
  if (ends) await trail.close()
  const file = join(mkdtempSync(join(tmpdir(), 'keys-')), 'keys.json')
  const keys = [...made.keys].map(([kid, key]) => ({ kid, ...key.export({ format: 'jwk' }) }))
  writeFileSync(file, JSON.stringify({ keys }))
  return { ...made, file }
}

describe('portcullis audit query', () => {
  it('says what was done by whom, where, and why it was or would be refused, without steering the terminal', async (test) => {
    const recorded = await record()
    const { folder } = recorded
    const { out } = await runHere(test, auditQueryCommand(), [folder, folder, join(folder, '.')])
    assert.deepEqual(
      out.split('\n').map((line) => line.replace(/^\S+Z /, '')),
      [
        'mcp.call allowed (ada via editor) files tools/call read[31m policies would refuse it',
        'mcp.call denied (ada via editor) files tools/call write insufficient_scope missing mcp:tools:execute',
        'oauth.token denied (editor) refresh_token invalid_grant',
        'admin.client failed (root) client remove one none there',
        'mcp.call denied files token_missing there is none',
      ],
    )
    const own = recorded.lines().filter((line) => !line.includes('"event":"audit.'))
    assert.equal((await runHere(test, auditQueryCommand(), [folder, '--json'])).out, own.join('\n'))
    const some = await runHere(test, auditQueryCommand(), [folder, '--event', 'oauth', '--json'])
    assert.equal(some.out, own[2])
  })

  it('reads no folder that is none, or has no events', async (test) => {
    const { folder } = await record()
    const empty = mkdtempSync(join(tmpdir(), 'empty-'))
    const none = join(folder, 'none')
    assert.match(
      (await runHere(test, auditQueryCommand(), [folder, none])).failure ?? '',
      /^folder: \S+ is not a folder/,
    )
    assert.match(
      (await runHere(test, auditQueryCommand(), [empty])).failure ?? '',
      /^folder: there are no events in/,
    )
  })
})

describe('the flag --database', () => {
  it('is given where events are removed for good', async (test) => {
    const { failure } = await runHere(test, auditPruneCommand(), ['--before', '90d'])
    assert.match(failure ?? '', /^--database: is required: old files are removed automatically/)
  })

  it('is refused with folders, which would not be read, let alone verified', async (test) => {
    const { folder, file } = await record()
    for (const [command, ...flags] of [
      [auditQueryCommand()],
      [auditExportCommand()],
      [auditVerifyCommand(), '--keys', file],
    ] as const) {
      const { failure } = await runHere(test, command, [folder, '--database', ...flags])
      assert.equal(failure, '--database: is read in place of folders: name folders, or give this flag')
    }
  })
})

describe('portcullis audit export', () => {
  it('writes each format to a file, or prints it', async (test) => {
    const { folder } = await record()
    const csv = (await runHere(test, auditExportCommand(), [folder, '--format', 'csv'])).out
    assert.ok(csv.startsWith(csvHeader))
    assert.equal(csv.split('\n').length, 6)
    const out = join(mkdtempSync(join(tmpdir(), 'export-')), 'events.jsonl')
    await runHere(test, auditExportCommand(), [folder, '--format', 'ocsf', '--out', out])
    const [first = ''] = readFileSync(out, 'utf8').split('\n')
    assert.equal((JSON.parse(first) as { category_uid: unknown }).category_uid !== undefined, true)
    assert.match(
      (await runHere(test, auditExportCommand(), ['/nonexistent', '--out', folder])).failure ?? '',
      /^--out: /,
    )
  })
})

describe('portcullis audit verify', () => {
  const verify = async (test: TestContext, folder: string, file: string, ...flags: string[]) => {
    const before = process.exitCode
    const said = await runHere(test, auditVerifyCommand(), [folder, '--keys', file, ...flags])
    const { exitCode } = process
    process.exitCode = before
    return { ...said, exitCode }
  }

  it('says that nothing was changed, and what could have been without a trace', async (test) => {
    const { folder, file } = await record()
    const good = await verify(test, folder, file)
    assert.equal(good.out, `${folder}: 7 events in 1 chain: nothing was changed, removed or moved`)
    assert.deepEqual([good.exitCode, good.err], [undefined, ''])
    const torn = await record({ ends: false })
    const { out, exitCode } = await verify(test, torn.folder, torn.file)
    assert.match(
      out,
      /^\S+: 6 events in 1 chain: nothing .*\n1 of them without an end: .*\n\d events came after the last signature/,
    )
    assert.equal(exitCode, undefined)
  })

  it('says what was changed, and fails', async (test) => {
    const recorded = await record()
    const { folder, file } = recorded
    const untouched = mkdtempSync(join(tmpdir(), 'untouched-'))
    cpSync(folder, untouched, { recursive: true })
    recorded.rewrite((lines) => lines.map((line) => line.replace('"write"', '"wrote"')))
    const { out, exitCode } = await verify(test, folder, file)
    assert.match(out, /^changed +\S+:\d+ .*\n/)
    assert.match(out, /: 7 events in 1 chain: this record is not what it was$/)
    assert.equal(exitCode, 1)
    assert.equal((await verify(test, folder, file, untouched)).exitCode, 1, 'of one among several')
    const [found] = JSON.parse((await verify(test, folder, file, '--json')).out) as { findings: object[] }[]
    assert.ok((found?.findings.length ?? 0) > 0)
  })

  it('says how much more is wrong than it lists, and repeats nothing that steers the terminal (A14)', async (test) => {
    const { folder, file } = await record()
    const stranger = {
      v: 1,
      chain: 'c\u001b[2J',
      seq: 0,
      prev: '',
      time: new Date(0).toISOString(),
      event: 'mcp.call',
    }
    const name = readdirSync(folder).find((one) => one.endsWith('.jsonl')) ?? ''
    appendFileSync(join(folder, name), `${JSON.stringify(stranger)}\n${'torn\n'.repeat(1000)}`)
    const { out } = await verify(test, folder, file)
    assert.match(out, /^… and [1-9] more$/m)
    assert.match(out, /chain c\[2J does not begin with audit\.begin/)
    assert.ok(!out.includes('\u001b'))
  })

  it('says which anchors do not count, and takes no file without keys', async (test) => {
    const { folder, file } = await record()
    appendFileSync(join(folder, 'anchors.jsonl'), '{"kid":"k1","sig":"AAAA"}\n')
    const { out, exitCode } = await verify(test, folder, file)
    assert.match(out, /^unsigned +.*anchors.*this anchor is not signed by a trusted key/)
    assert.equal(exitCode, 1)
    for (const [text, problem] of [
      ['{"keys":[]}', /holds no key/],
      ['[]', /cannot be used: must be a JWK Set/],
      ['torn', /^--keys: /],
    ] as const) {
      writeFileSync(file, text)
      assert.match((await verify(test, folder, file)).failure ?? '', problem)
    }
  })

  it('says of a file that is removed meanwhile that it is gone, and that another try does without', async (test) => {
    const { folder, file } = await record()
    const pruned = join(folder, 'audit-2026-11-01.00001.jsonl')
    symlinkSync(join(folder, 'nowhere'), pruned)
    const { failure = '' } = await verify(test, folder, file)
    assert.match(
      failure,
      /^\S+00001\.jsonl, of the audit, cannot be read \(ENOENT.*: it was removed meanwhile/,
    )
    assert.equal((await runHere(test, auditExportCommand(), [folder])).failure, failure)
  })
})
