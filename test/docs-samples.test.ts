import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Command } from 'commander'
import { eventNames, trailEventNames } from '../src/audit/event.ts'
import { auditCommand } from '../src/cli/audit/audit.ts'
import { backupCommand, restoreCommand } from '../src/cli/backup.ts'
import { checkCommand } from '../src/cli/check.ts'
import { clientCommand } from '../src/cli/client.ts'
import { dashboardCommand } from '../src/cli/dashboard.ts'
import { demoCommand } from '../src/cli/demo.ts'
import { doctorCommand } from '../src/cli/doctor.ts'
import { explainCommand } from '../src/cli/explain.ts'
import { keyCommand } from '../src/cli/key.ts'
import { runCommand } from '../src/cli/run.ts'
import { serveCommand } from '../src/cli/serve.ts'
import { tokenCommand } from '../src/cli/token.ts'
import { userCommand } from '../src/cli/user.ts'
import { loadConfig } from '../src/config/load.ts'
import { fileVariable } from '../src/config/reading/environment.ts'
import type { ConfigInput } from '../src/config/schema.ts'
import { listSettings } from '../src/config/settings.ts'
import { checkPolicies } from '../src/policy/check-policies.ts'
import { makeCertificate } from './support/local-tls.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: root })].map((name) => ({
  name,
  text: readFileSync(join(root, name), 'utf8'),
}))

/** Code blocks, and spans of code in a line. */
const codeOf = (text: string): string[] => [
  ...[...text.matchAll(/^ *```\w*\n(.*?)^ *```$/gms)].flatMap(([, code = '']) => code.split('\n')),
  ...[...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span),
]

describe('samples of the configuration in the documentation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-samples-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const secret = 's'.repeat(64)
  writeFileSync(join(folder, 'secret'), secret)
  writeFileSync(join(folder, 'certificate'), makeCertificate().cert)
  writeFileSync(join(folder, 'policies.cedar'), 'permit (principal, action, resource);')
  const withFiles = (sample: string): string =>
    sample
      .replaceAll(/\/run\/secrets\/[\w-]+/g, join(folder, 'secret'))
      .replaceAll('[policies.cedar]', `[${join(folder, 'policies.cedar')}]`)
      .replaceAll(/\bca: \/[\w/.-]+/g, `ca: ${join(folder, 'certificate')}`)
  /** What a sample leaves out that shows only a part. */
  const rest: ConfigInput = {
    mode: 'production',
    publicUrl: 'https://mcp.example.com',
    secret,
    store: { url: 'postgres://portcullis@127.0.0.1/portcullis' },
    upstreams: [{ name: 'files', url: 'http://127.0.0.1:9000/mcp' }],
  }

  it('are configurations, or parts of one, that portcullis check accepts', () => {
    let count = 0
    for (const { name, text } of pages) {
      for (const [, sample = ''] of text.matchAll(/^```yaml\n(.*?)^```$/gms)) {
        const file = join(folder, `${count++}.yaml`)
        writeFileSync(file, withFiles(sample))
        const variables = [...sample.matchAll(/\$([A-Z\d_]+)/g)].map(([, variable]) => [variable, secret])
        const environment = Object.fromEntries(variables) as Record<string, string>
        assert.doesNotThrow(
          () => loadConfig({ base: rest, file, environment, needsServer: true }),
          `${name}:\n${sample}`,
        )
      }
    }
    assert.ok(count > 30)
  })
})

describe('policies in the documentation', () => {
  it('are policies that portcullis check accepts', () => {
    let count = 0
    for (const { name, text } of pages)
      for (const [, sample = ''] of text.matchAll(/^```cedar\n(.*?)^```$/gms)) {
        count++
        const texts = [{ file: name, text: sample }]
        assert.deepEqual(checkPolicies(texts, { servers: ['files', 'shop', 'mail'], issuers: 1 }), [])
      }
    assert.ok(count > 3)
  })
})

describe('command lines in the documentation', () => {
  const commands: readonly Command[] = [
    auditCommand(),
    backupCommand(),
    checkCommand(),
    clientCommand(),
    dashboardCommand(),
    demoCommand(),
    doctorCommand(),
    explainCommand(),
    keyCommand(),
    restoreCommand(),
    runCommand(),
    serveCommand(),
    tokenCommand(),
    userCommand(),
  ]

  it('name commands and flags that there are', () => {
    let count = 0
    for (const { name, text } of pages) {
      for (const code of codeOf(text)) {
        for (const [, line = ''] of code.matchAll(/(?:^|npx |portcullis )portcullis ([a-z][^|>#<)]*)/g)) {
          const [own = ''] = line.split(' -- ')
          const [first, second, ...words] = own.trim().split(/ +/)
          const command = commands.find((one) => one.name() === first)
          assert.ok(command, `${name}: portcullis ${line}`)
          const nested = command.commands.find((one) => one.name() === second)
          if (command.commands.length > 0 && second !== undefined)
            assert.ok(nested, `${name}: portcullis ${line}`)
          for (const flag of [second, ...words].filter((word) => /^--?[a-z]/.test(word ?? '')))
            assert.ok(
              (nested ?? command).options.some((option) => option.long === flag || option.short === flag),
              `${name}: ${flag} in portcullis ${line}`,
            )
          count++
        }
      }
    }
    assert.ok(count > 50)
  })
})

describe('settings in the documentation', () => {
  const settings = listSettings()
  const paths = settings.map(({ path }) => path.join('.').replaceAll('.[]', '[]'))

  it('that are named as such exist', () => {
    const tops = new Set(paths.map((path) => path.split(/[.[]/)[0]))
    const others: ReadonlySet<string> = new Set([...eventNames, ...trailEventNames])
    for (const { name, text } of pages) {
      for (const span of codeOf(text)) {
        if (!/^[a-z]+(?:\[\])?(?:\.[a-zA-Z]+(?:\[\])?)+$/.test(span) || others.has(span)) continue
        if (!tops.has(span.split(/[.[]/)[0])) continue
        assert.ok(
          paths.some((path) => path === span || path.startsWith(`${span}.`) || path.startsWith(`${span}[]`)),
          `${name}: ${span}`,
        )
      }
    }
  })

  it('have the variables that are named', () => {
    const variables = new Set([
      fileVariable,
      'PORTCULLIS_DOCTOR_CLIENT_SECRET',
      ...settings.flatMap(({ variable }) => (variable === undefined ? [] : [variable, `${variable}_FILE`])),
    ])
    for (const { name, text } of pages) {
      for (const [variable] of text.matchAll(/\bPORTCULLIS_[A-Z_]+\b/g))
        assert.ok(variables.has(variable), `${name}: ${variable}`)
    }
  })
})
