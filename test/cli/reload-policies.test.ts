import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { pidOf, who } from '../support/ask-who.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { initialize, sessionOf } from '../support/held-streams.ts'
import { policyFile } from '../support/policies.ts'
import { serveFile } from '../support/served-file.ts'

const stdio = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]

it('a change of a policy file counts like one of the configuration, and processes go on', async (test) => {
  const policies = [policyFile('permit(principal, action, resource);')]
  const [file = ''] = policies
  const upstreams = [{ name: 'stdio', command: stdio, era: 'legacy' as const }]
  const gate = await serveFile(test, { upstreams, policies })
  const url = `${gate.url}/mcp`
  const token = await tokenFor(url, 'ada')
  const session = sessionOf(await post(url, token, initialize))
  const call = () => post(url, token, who, { headers: session })
  const pid = pidOf(await call())
  for (const [text, message, status] of [
    ['permit(principal, action, resource == Tool::"stdio/x");', /new configuration is in use/, 403],
    ['permit(principal, action, resource in Server::"no");', /cannot be used.*there is no server "no"/, 403],
    ['permit(principal, action, resource in Server::"stdio");', /new configuration is in use/, 200],
    ['forbid(principal, action, resource);', /new configuration is in use/, 403],
    ['permit(principal, action, resource);', /new configuration is in use/, 200],
  ] as const) {
    const from = gate.lines().length
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
    await gate.says(message, from)
    const { status: got } = await call()
    assert.equal(got, status, text)
  }
  assert.equal(pidOf(await call()), pid)
  // Files that the configuration names from now on are watched, and no others.
  const other = policyFile('forbid(principal, action, resource);')
  let from = gate.lines().length
  await gate.write({ ...gate.config, policies: [other] })
  await gate.says(/new configuration is in use/, from)
  assert.equal((await call()).status, 403)
  from = gate.lines().length
  await writeFile(other, 'permit(principal, action, resource);')
  await gate.says(/new configuration is in use, changed: policies/, from)
  assert.equal((await call()).status, 200)
})
