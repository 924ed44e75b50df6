import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { before, describe, it } from 'node:test'
import { findProgram } from './support/find-program.ts'
import { freePort } from './support/installation.ts'
import { until } from './support/until.ts'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'portcullis-package-'))
/** As an installation unpacks it. */
const installed = join(folder, 'node_modules/portcullis')

/** Packs a copy, since the build would stay in the sources, and unpacks what npm would publish. */
async function install(): Promise<void> {
  const sources = join(folder, 'sources')
  cpSync(root, sources, {
    recursive: true,
    filter: (path) => !/^\/(?:node_modules|dist|\.git|\.cache|test|bench)$/.test(path.slice(root.length)),
  })
  symlinkSync(join(root, 'node_modules'), join(sources, 'node_modules'))
  // Left by a build of an earlier version.
  mkdirSync(join(sources, 'dist/src'), { recursive: true })
  writeFileSync(join(sources, 'dist/src/gone.d.ts'), '')
  execFileSync(await findProgram('npm'), ['pack', '--pack-destination', folder], {
    cwd: sources,
    stdio: 'pipe',
  })
  const [archive = ''] = globSync('*.tgz', { cwd: folder })
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['xzf', join(folder, archive), '--strip-components=1', '-C', installed])
  // What it depends on lies beside it.
  for (const name of globSync(['*', '@*/*'], { cwd: join(root, 'node_modules') })) {
    if (/^@[^/]*$|^portcullis$/.test(name)) continue
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
}

describe('the package', () => {
  before(install)

  const files = (): ReadonlySet<string> => new Set(globSync('**/*', { cwd: installed, exclude: ['dist/**'] }))

  it('has every file that its documents link to', () => {
    const there = files()
    const missing = [...there]
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...readFileSync(join(installed, path), 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#]+)/g)]
          .map(([, target = '']) => posix.join(posix.dirname(path), target))
          .filter((target) => !there.has(target))
          .map((target) => `${path} → ${target}`),
      )
    assert.ok(there.has('SECURITY.md'))
    assert.deepEqual(missing, [])
  })

  it('holds the program, and neither its sources nor types that nobody imports', () => {
    assert.deepEqual(globSync('**/*.ts', { cwd: installed }), [])
    assert.deepEqual(globSync('{src,test,bench,demo}', { cwd: installed }), [])
  })

  it('runs the demo', async (test) => {
    const program = join(installed, 'bin/portcullis.js')
    const port = String(await freePort())
    const args = ['demo', '--port', port, '--data', join(folder, 'data')]
    const demo = spawn(process.execPath, [program, ...args])
    test.after(() => demo.kill('SIGKILL'))
    let said = ''
    for (const stream of [demo.stdout, demo.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(() => said.includes('Portcullis is ready') || demo.exitCode !== null)
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST' })
    assert.equal(response.status, 401, said)
  })
})
