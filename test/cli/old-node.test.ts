import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

/** Makes this Node look like one of the version: without what came later. */
const disguise = (version: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })
    Object.defineProperty(process, 'version', { value: 'v${version}' })
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === 'node:module'
          ? { url: 'data:text/javascript,export const builtinModules = []', shortCircuit: true }
          : next(specifier, context),
    })
  `)}`

describe('a Node that is too old', () => {
  for (const version of ['20.20.2', '24.11.0']) {
    it(`is told what to do, not shown an error of syntax: ${version}`, () => {
      const { status, stderr } = spawnSync(process.execPath, ['--import', disguise(version), program], {
        encoding: 'utf8',
      })
      assert.equal(status, 2, stderr)
      assert.match(stderr, new RegExp(`needs Node.js 24.12 or newer; this is v${version}`))
    })
  }
})
