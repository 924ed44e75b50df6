import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { changedSettings, needingRestart } from '../../src/config/changes.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'

const http = (name: string) => ({ name, path: `/${name}`, url: 'http://127.0.0.1:9000' })
const load = (base: ConfigInput): Config => loadConfig({ base })
const before = load({ upstreams: [http('a'), http('b')], cors: { origins: ['https://a', 'https://b'] } })

/** Which settings need a restart once the one at a path has another value, whatever it may be. */
function restartsFor(path: string): string[] {
  const after = structuredClone(before) as unknown as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  const holder = names.reduce((inner, name) => inner[name] as Record<string, unknown>, after)
  holder[last] = 'another'
  return needingRestart(changedSettings(before, after as unknown as Config)).map((one) => one.path)
}

describe('a change of the configuration', () => {
  it('needs a restart where the documentation says so', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
    const [, list = ''] = /changes that need a restart: ([^;]*);/.exec(text) ?? []
    const documented = Array.from(list.matchAll(/`([^`]+)`/g), ([, name = '']) => name)
    assert.ok(documented.length > 10)
    for (const path of documented) assert.deepEqual(restartsFor(path), [path])
    for (const path of ['limits.perMinute', 'log.level', 'login.idleSeconds', 'tokens.accessTokenSeconds'])
      assert.deepEqual(restartsFor(path), [], path)
  })

  it('is told by the name of what has changed, or as a whole where that is the order', () => {
    const changed = (base: ConfigInput): string[] => changedSettings(before, load(base))
    const { origins } = before.cors
    const [a, b] = [http('a'), http('b')]
    assert.deepEqual(changed({ upstreams: [a, { ...b, url: 'http://127.0.0.1:9001' }], cors: { origins } }), [
      'upstreams[b].url',
    ])
    assert.deepEqual(changed({ upstreams: [b, a], cors: { origins } }), ['upstreams'])
    assert.deepEqual(changed({ upstreams: [a, b], cors: { origins: origins.toReversed() } }), [
      'cors.origins',
    ])
  })
})
