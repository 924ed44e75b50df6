import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startEverythingServer } from '../fixtures/everything/server.ts'
import { readDevelopmentToken } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { clientModules } from '../support/tools.ts'
import { until } from '../support/until.ts'

interface Report {
  readonly code: number | null
  /** The verdict of each scenario, such as `✓ ping: 1 passed, 0 failed`. */
  readonly scenarios: readonly string[]
  readonly output: string
}

type Suite = 'conformance-stable' | 'conformance-next'
type Everything = Awaited<ReturnType<typeof startEverythingServer>>

let modules: string
let direct: Everything
before(async () => {
  modules = await clientModules()
  direct = await startEverythingServer()
})
after(() => direct.close())

/** What each suite says of the server without a gate, which is asked once. */
const reports = new Map<string, Promise<Report>>()

function reportDirectly(name: string, suite: Suite, args: readonly string[]): Promise<Report> {
  const report = reports.get(name) ?? runSuite(suite, ['server', '--url', direct.url, ...args])
  reports.set(name, report)
  return report
}

const runs: [string, Suite, string[], number][] = [
  ['0.1.16', 'conformance-stable', [], 30],
  ['0.2.0-alpha.12, requirements 2025-11-25', 'conformance-next', ['--requirements', '2025-11-25'], 33],
  ['0.2.0-alpha.12, requirements 2026-07-28', 'conformance-next', ['--requirements', '2026-07-28'], 50],
]

for (const checkHosts of [true, false]) {
  describe(`conformance of a server ${checkHosts ? 'that checks Host and Origin' : 'that leaves these checks to the gate'}`, () => {
    let server: Everything
    let installation: Installation
    let token: string
    before(async () => {
      server = await startEverythingServer({ checkHosts })
      installation = await startInstallation({
        config: { upstreams: [{ name: 'everything', url: server.url }] },
      })
      token = await readDevelopmentToken(installation, ['--scope', 'mcp:*'])
    })
    after(async () => {
      await installation.close()
      await server.close()
    })

    for (const [name, suite, args, atLeast] of runs) {
      it(`${name}: the same through the gate as directly`, { timeout: 180_000 }, async () => {
        const expected = await reportDirectly(name, suite, args)
        const gated = await runSuite(suite, ['server', '--url', installation.mcpUrl, ...args], {
          INJECT_ORIGIN: installation.url,
          INJECT_TOKEN: token,
        })
        assert.equal(expected.code, 0, expected.output)
        assert.equal(gated.code, 0, gated.output)
        assert.ok(expected.scenarios.length >= atLeast, `${expected.scenarios.length} scenarios`)
        const [same, tasks] = split(gated.scenarios)
        const [sameDirectly, tasksDirectly] = split(expected.scenarios)
        assert.deepEqual(same, sameDirectly)
        // The gate answers for tasks that nobody has made, also where the server would not as it should (A24).
        for (const [index, { passed, failed }] of tasks.entries()) {
          const directly = tasksDirectly[index]
          assert.ok(directly !== undefined && passed >= directly.passed && failed <= directly.failed)
        }
      })
    }
  })
}

/** The scenarios of tasks apart from the others, as counts. */
function split(scenarios: readonly string[]): [string[], { passed: number; failed: number }[]] {
  const isOfTasks = (line: string): boolean => /^. tasks-/.test(line)
  const counts = scenarios.filter(isOfTasks).map((line) => {
    const [, passed, failed] = /(\d+) passed, (\d+) failed/.exec(line) ?? []
    return { passed: Number(passed), failed: Number(failed) }
  })
  return [scenarios.filter((line) => !isOfTasks(line)), counts]
}

describe('conformance without a token', () => {
  it('fails, so that passing means something', { timeout: 180_000 }, async () => {
    const server = await startEverythingServer()
    const installation = await startInstallation({
      config: { upstreams: [{ name: 'everything', url: server.url }] },
    })
    const { code } = await runSuite('conformance-stable', ['server', '--url', installation.mcpUrl])
    assert.notEqual(code, 0)
    await installation.close()
    await server.close()
  })
})

describe('conformance of the authorization server', () => {
  it('metadata and authorization code grant, with a public client', { timeout: 180_000 }, async (test) => {
    const client = {
      id: 'conformance',
      redirectUris: ['http://127.0.0.1:3333/callback', 'http://localhost:3333/callback'],
    }
    const installation = await startInstallation({ config: { clients: [client] } })
    test.after(() => installation.close())
    const args = ['authorization', '--url', installation.url, '--client-id', client.id, '-p', '3333']
    const resource = ['--resource', installation.mcpUrl]
    for (const revision of [[], ['--spec-version', '2026-07-28']]) {
      const { code, output } = await runSuite(
        'conformance-next',
        [...args, ...resource, ...revision],
        {},
        visitAuthorizeUrl,
      )
      assert.equal(code, 0, output)
      assert.match(output, /authorization-server-metadata-endpoint/)
      assert.match(output, /[1-9]\d* passed, 0 failed/)
      assert.match(output, /authorization-code-grant/)
      assert.doesNotMatch(output, /skipped/i)
    }
  })
})

/** The suite prints a URL, and soon listens for the answer: this is the person who follows it. */
function visitAuthorizeUrl(line: string): void {
  const url = /https?:\/\/\S*response_type=code\S*/.exec(line)?.[0]
  if (url !== undefined) void visit(url)
}

async function visit(url: string): Promise<void> {
  const callback = await new FormBrowser().visit(url)
  if (callback === undefined) return
  await until(async () => (await fetch(callback).catch(() => undefined)) !== undefined, 'it listens')
}

async function runSuite(
  suite: Suite,
  args: readonly string[],
  env: Record<string, string> = {},
  onLine: (line: string) => void = () => {},
): Promise<Report> {
  const program = join(modules, suite, 'dist/index.js')
  const inject =
    'INJECT_TOKEN' in env ? ['--import', join(import.meta.dirname, '../support/inject-token.ts')] : []
  const child = spawn(process.execPath, [...inject, program, ...args], {
    cwd: await mkdtemp(join(tmpdir(), 'conformance-')),
    env: { ...process.env, ...env, INJECT_FOLDER: program, NO_COLOR: '1' },
  })
  let output = ''
  const read = (chunk: Buffer): void => {
    output += chunk.toString()
    for (const line of chunk.toString().split('\n')) onLine(line)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const scenarios = output.split('\n').filter((line) => /^[✓✗] .*: \d+ passed, \d+ failed/.test(line))
  return { code, scenarios, output }
}
