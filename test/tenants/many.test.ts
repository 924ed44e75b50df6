import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { startInstallation } from '../support/installation.ts'

it('a new configuration is prepared for many tenants while everything else goes on', async (test) => {
  const tenants = Array.from({ length: 20 }, (_, index) => ({
    name: `t${index}`,
    upstreams: [{ name: 'a', path: '/mcp', url: 'http://127.0.0.1:9/mcp' } as const],
  }))
  const last = { name: 'last', upstreams: tenants[0]?.upstreams ?? [] }
  const installation = await startInstallation({ config: { tenants } })
  test.after(() => installation.close())
  // The last one cannot be opened, so that only what comes before the change is looked at.
  mkdirSync(join(installation.data, 'tenants'), { recursive: true })
  writeFileSync(join(installation.data, 'tenants', 'last'), '')
  let turns = 0
  const count = (): void => {
    turns++
    waiting = setImmediate(count)
  }
  let waiting = setImmediate(count)
  const refused = await installation.replace({ tenants: [...tenants, last] }).catch(String)
  clearImmediate(waiting)
  assert.match(String(refused), /DataFolderUnusable/)
  assert.ok(turns >= tenants.length, `${turns} turns`)
})
