import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { AuditEvent } from '../../src/audit/event.ts'
import { keepConfiguration } from '../../src/cli/keep-configuration.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { WorkerFailed } from '../../src/workers/failure.ts'

const configOf = (...names: string[]): Config =>
  ({ upstreams: names.map((name) => ({ name })), policies: [], tenants: [] }) as unknown as Config

/** An installation, by default without a file, with what was done to it and told of it. */
function keep(
  replace: (config: Config) => Promise<void>,
  load: () => Config = () => configOf('one'),
  { file, config = configOf() }: { readonly file?: string; readonly config?: Config } = {},
) {
  const lines: string[] = []
  const events: (readonly unknown[])[] = []
  let fails: Error | undefined
  const line =
    (level: string) =>
    (facts: { readonly err?: Error }, message: string): void =>
      void lines.push(`${level}: ${message}${facts.err === undefined ? '' : ' (with the fault)'}`)
  const logger = { info: line('info'), warn: line('warn'), error: line('error') }
  const keeper = keepConfiguration({
    file,
    config,
    load,
    running: {
      log: { logger } as never,
      record({ outcome, reason }: AuditEvent) {
        if (fails !== undefined) throw fails
        events.push([outcome, reason])
      },
      renew: async () => void lines.push('the certificate was looked at'),
      replace,
    },
  })
  const failAudit = (error: Error): void => {
    fails = error
  }
  return { keeper, lines, events, failAudit }
}

describe('a configuration that is read again', () => {
  it('is in use from then on, and compared with the next one', async () => {
    const used: Config[] = []
    const { keeper, lines, events } = keep(async (next) => void used.push(next))
    await keeper.reload()
    await keeper.reload()
    assert.deepEqual(used, [configOf('one')])
    assert.deepEqual(events, [['allowed', 'changed: upstreams[one]']])
    assert.deepEqual(lines, [
      'the certificate was looked at',
      'info: the new configuration is in use, changed: upstreams[one]',
      'the certificate was looked at',
      'info: the configuration has not changed: the environment',
    ])
  })

  it('is none that failed, which is tried again when somebody asks', async () => {
    let attempts = 0
    const { keeper, lines, events } = keep(async () => {
      attempts++
      throw new Error('it went wrong\n  at password=of-the-store')
    })
    await keeper.reload()
    await keeper.reload()
    assert.equal(attempts, 2)
    const reason = 'it went wrong at password=[redacted]'
    assert.deepEqual(events, [
      ['failed', reason],
      ['failed', reason],
    ])
    assert.equal(lines[1], `error: the configuration in use stays: ${reason} (with the fault)`)
  })

  it('is refused if it cannot be used for a reason that an operator can mend', async () => {
    for (const act of [
      keep(async () => Promise.reject(new WorkerFailed('no worker serves'))),
      keep(
        async () => undefined,
        () => {
          throw Object.assign(new Error('no worker serves'), { code: 'EACCES' })
        },
      ),
    ]) {
      await act.keeper.reload()
      assert.deepEqual(act.events, [['denied', 'the environment: no worker serves']])
      assert.match(
        act.lines[1] ?? '',
        /^warn: the configuration in use stays, since the environment cannot be/,
      )
    }
  })

  it('is in use though the audit cannot be told', async () => {
    const { keeper, lines, failAudit } = keep(async () => undefined)
    failAudit(new Error('full'))
    await keeper.reload()
    assert.match(lines.at(-1) ?? '', /^error: the audit could not be told .*\(with the fault\)$/)
    await keeper.reload()
    assert.equal(lines.at(-1), 'info: the configuration has not changed: the environment')
  })

  it('is tried again when a file is mended that only the refused one names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-keep-'))
    const [file, policies] = [join(folder, 'portcullis.yaml'), join(folder, 'new.cedar')]
    writeFileSync(policies, 'permit(principal, action')
    writeFileSync(file, 'upstreams: [{ name: a, path: /a, url: "http://127.0.0.1:1/mcp" }]\npolicies: []\n')
    const load = (): Config => loadConfig({ file })
    const used: Config[] = []
    const { keeper, lines } = keep(async (next) => void used.push(next), load, { file, config: load() })
    writeFileSync(file, readFileSync(file, 'utf8').replace('[]', `["${policies}"]`))
    await keeper.reload()
    // Long enough for what is watched now to be reported for the first time.
    await setTimeout(3500)
    assert.equal(lines.filter((line) => line.startsWith('warn')).length, 1, lines.join('\n'))
    writeFileSync(policies, 'permit(principal, action, resource);')
    for (let left = 80; used.length === 0 && left > 0; left--) await setTimeout(100)
    await keeper.stop()
    assert.equal(used[0]?.policies[0]?.text, 'permit(principal, action, resource);')
  })
})
