import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { lanes } from '../../bench/soak/lanes.ts'
import type { Findings, Verdict } from '../../bench/soak/report.ts'

const program = join(import.meta.dirname, '../../bench/soak.ts')
/** Little to do, and time to do it in: the tests that run beside it may have the machine for seconds. */
const small = '--rate 25 --streams 50 --users 3 --notify-seconds 4 --response-seconds 20'.split(' ')

interface Run {
  readonly code: number
  readonly output: string
  readonly findings: Findings & { readonly verdict: Verdict }
}

async function soak(test: TestContext, args: readonly string[]): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-soak-test-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  const json = join(folder, 'soak.json')
  const { code, output } = await run([...small, ...args, '--json', json])
  const log = /^The log of the gate is in (.*)$/m.exec(output)?.[1]
  if (log !== undefined) test.after(() => rm(dirname(log), { recursive: true, force: true }))
  return { code, output, findings: JSON.parse(await readFile(json, 'utf8')) as Run['findings'] }
}

function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr })
    })
  })
}

describe('the soak', { timeout: 280_000 }, () => {
  it('finds nothing lost, doubled or crossed at servers of every kind, whatever they do wrong', async (test) => {
    const { code, output, findings } = await soak(test, ['--minutes', '0.2', '--faults', '0.05'])
    const { requests, streams, verdict } = findings
    assert.deepEqual(verdict.failures, [], output)
    assert.equal(code, 0)
    assert.match(output, /^Verdict: good: .*$/m)
    assert.ok(requests.answered > 0)
    assert.ok(Object.keys(requests.faults).length > 0, 'faults were provoked')
    assert.ok(streams.messages > streams.opened, 'streams hear something again and again')
    const lanesWith = (of: 'requests' | 'streams'): string[] =>
      lanes.filter((lane) => lane[of] >= 0.02).map(({ name }) => name)
    for (const lane of lanesWith('requests'))
      assert.ok(findings.byLane[lane]?.count, `${lane} answered requests`)
    for (const lane of lanesWith('streams')) assert.ok(streams.heard[lane], `${lane} told of changes`)
  })

  it('notices two answers that were swapped, and one that was lost', async (test) => {
    const spoiled = '--minutes 0.1 --faults 0 --sabotage swap,lose'.split(' ')
    const { code, output, findings } = await soak(test, spoiled)
    assert.equal(findings.requests.crossed, 2, output)
    assert.equal(findings.requests.lost, 1, output)
    assert.deepEqual(findings.verdict.failures, ['answers lost: 1', 'answers crossed: 2'])
    assert.match(output, /^Verdict: bad: answers lost: 1; answers crossed: 2\.$/m)
    assert.equal(code, 1)
  })

  it('says what to do about options that cannot be', async () => {
    const { code, output } = await run(['--minutes', 'many'])
    assert.equal(code, 2)
    assert.match(output, /--minutes must be a number/)
    assert.match(
      (await run(['--minutes', '1', '--store', 'paper'])).output,
      /--store must be sqlite or postgres/,
    )
  })
})
