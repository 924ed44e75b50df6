import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'

const source = join(import.meta.dirname, '../src')

/** What each folder may import besides itself: whole folders, or single contracts. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  mcp: ['core'],
  policy: ['core', 'mcp'],
  http: ['core', 'telemetry/scrub.ts'],
  limits: ['core'],
  config: ['core', 'mcp/methods.ts', 'mcp/subscriptions.ts', 'policy'],
  storage: ['core'],
  keys: ['core', 'storage/key-contract.ts'],
  identity: [
    'core',
    'limits/contract.ts',
    'storage/artifact-contract.ts',
    'storage/identity-contract.ts',
    'storage/passkey-contract.ts',
    'storage/user-contract.ts',
  ],
  issuer: ['core', 'http', 'identity/provider-contract.ts'],
  telemetry: ['core'],
  audit: ['core', 'telemetry/scrub.ts'],
  upstream: ['core', 'mcp', 'http'],
  'authorization-server': [
    'core',
    'http',
    'keys/key-ring.ts',
    'limits/contract.ts',
    'identity/contract.ts',
    'identity/passkey-contract.ts',
    'identity/own-password-contract.ts',
    'identity/provider-contract.ts',
    'identity/set-up-contract.ts',
    'issuer/keys-absent.ts',
    'storage/artifact-contract.ts',
    'storage/client-contract.ts',
    'storage/consent-contract.ts',
    'storage/refresh-token-contract.ts',
    'storage/revocation-contract.ts',
    'telemetry/event.ts',
    'telemetry/scrub.ts',
    'audit/contract.ts',
    'audit/event.ts',
    'telemetry/trace-context.ts',
    'telemetry/trace-contract.ts',
  ],
  gateway: [
    'core',
    'mcp',
    'http',
    'policy',
    'issuer/keys-absent.ts',
    'keys/key-ring.ts',
    'limits/contract.ts',
    'upstream/contract.ts',
    'telemetry/event.ts',
    'telemetry/scrub.ts',
    'audit/contract.ts',
    'audit/event.ts',
    'audit/arguments.ts',
    'telemetry/trace-context.ts',
    'telemetry/trace-contract.ts',
  ],
  admin: ['core', 'http', 'telemetry/scrub.ts'],
  doctor: ['core', 'mcp', 'http', 'version.ts'],
  compose: ['*'],
  workers: ['*'],
  cli: ['*'],
  '': ['*'],
}

/** Packages that belong to one folder. */
const packages: Readonly<Record<string, string>> = {
  '@cedar-policy/cedar-wasm/nodejs': 'policy',
  'oidc-provider': 'authorization-server',
  'openid-client': 'issuer',
  kysely: 'storage',
  pg: 'storage',
  'node:sqlite': 'storage',
  zod: 'config',
  yaml: 'config',
  commander: 'cli',
  pino: 'telemetry',
  'prom-client': 'telemetry',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/sdk-trace': 'telemetry',
  'rate-limiter-flexible': 'limits',
}

/** No input or output, no clock, no randomness of their own. */
const pure = ['core', 'mcp', 'policy']
const impure = /^node:(?:fs|http|https|net|child_process|sqlite|dns|os|process)/

interface Import {
  readonly file: string
  readonly folder: string
  readonly target: string
}

const imports: Import[] = globSync('**/*.ts', { cwd: source }).flatMap((file) => {
  const folder = file.includes('/') ? (file.split('/')[0] as string) : ''
  const text = readFileSync(join(source, file), 'utf8')
  return [...text.matchAll(/(?:from|import) '([^']+)'|import\('([^']+)'\)/g)].map(([, from, dynamic]) => ({
    file,
    folder,
    target: (from ?? dynamic) as string,
  }))
})

describe('architecture', () => {
  it('has a rule for every folder', () => {
    for (const { folder } of imports)
      assert.ok(folder in allowed, `src/${folder} has no row in the import table`)
  })

  it('lets folders import what the table says', () => {
    for (const { file, folder, target } of imports) {
      if (!target.startsWith('.')) continue
      const path = relative(source, join(source, dirname(file), target))
      const rules = allowed[folder] ?? []
      const free = path.startsWith(`${folder}/`) || rules.includes('*') || path.startsWith('../demo/')
      assert.ok(
        free || rules.some((rule) => path === rule || path.startsWith(`${rule}/`)),
        `src/${file} imports ${path}`,
      )
      if (path.startsWith('../')) assert.equal(folder, 'cli', `src/${file} imports ${path}`)
    }
  })

  it('keeps packages in their folders', () => {
    for (const { file, folder, target } of imports) {
      const name = target.startsWith('@') ? target : (target.split('/')[0] as string)
      const owner = packages[name]
      if (owner !== undefined) assert.equal(folder, owner, `src/${file} imports ${target}`)
    }
  })

  it('lets core know no library, except for addresses', () => {
    for (const { file, folder, target } of imports) {
      if (folder === 'core')
        assert.match(target, /^(?:\.|node:|ipaddr\.js$)/, `src/${file} imports ${target}`)
    }
  })

  it('keeps the pure folders free of input and output', () => {
    for (const { file, folder, target } of imports) {
      if (pure.includes(folder)) assert.doesNotMatch(target, impure, `src/${file} imports ${target}`)
    }
  })

  it('loads oidc-provider in one place', () => {
    const loaders = imports.filter(
      ({ file, target }) => target === 'oidc-provider' && isValueImport(file, target),
    )
    assert.deepEqual(
      loaders.map(({ file }) => file),
      ['authorization-server/library/library.ts'],
    )
  })

  it('loads of undici what a gate needs, in one place; the doctor serves nobody and takes all of it', () => {
    const loaders = imports.filter(({ file, target }) => target === 'undici' && isValueImport(file, target))
    assert.deepEqual(
      loaders.map(({ file }) => file),
      ['doctor/ask.ts'],
    )
  })

  it('has no command load what serves requests, which takes longer than most of them', () => {
    for (const command of ['main', 'user', 'client', 'key', 'audit/audit', 'backup', 'explain']) {
      const loaded = loadedBy(join(source, `cli/${command}.ts`))
      for (const name of ['oidc-provider', 'undici', 'yaml', 'openid-client', 'koa', 'prom-client'])
        assert.ok(!loaded.has(name), `portcullis ${command} loads ${name}`)
    }
    assert.ok(loadedBy(join(source, 'app.ts')).has('prom-client'), 'what servers load is seen')
  })

  it('chooses a store in one place, so that no command works on another one than the servers', () => {
    const openers = globSync('**/*.ts', { cwd: source }).filter((file) =>
      /\bopenStore\(/.test(readFileSync(join(source, file), 'utf8')),
    )
    assert.deepEqual(openers.toSorted(), ['compose/store.ts', 'storage/open.ts'])
  })

  it('lets the demo import no source of ours', () => {
    for (const file of globSync('*.ts', { cwd: join(source, '../demo') })) {
      assert.doesNotMatch(readFileSync(join(source, '../demo', file), 'utf8'), /from '\.\.\//, file)
    }
  })

  it('keeps files small: 300 lines at most, 80 in the middle, 200 for nine in ten', () => {
    const lengths = globSync('**/*.ts', { cwd: source })
      .map((file) => readFileSync(join(source, file), 'utf8').split('\n').length - 1)
      .toSorted((left, right) => left - right)
    const at = (share: number): number => lengths[Math.floor(lengths.length * share)] as number
    assert.ok((lengths.at(-1) as number) <= 300, `the longest has ${lengths.at(-1)}`)
    assert.ok(at(0.5) <= 80, `the median is ${at(0.5)}`)
    assert.ok(at(0.9) <= 200, `nine in ten have up to ${at(0.9)}`)
  })
})

function isValueImport(file: string, name: string): boolean {
  return new RegExp(`(?<!import type [^\\n]*)from '${name}'|import\\('${name}'\\)`).test(
    readFileSync(join(source, file), 'utf8'),
  )
}

/** What is there before the first line of a file runs: files of ours by their paths, packages by their names. */
function loadedBy(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, target = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^';]* from )?'([^']+)'/gm)) {
    if (target.startsWith('.')) loadedBy(join(dirname(file), target), loaded)
    else loaded.add(target)
  }
  if (text.includes("await import('oidc-provider')")) loaded.add('oidc-provider')
  return loaded
}
