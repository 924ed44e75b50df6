import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { start } from '../../src/app.ts'
import { changedSettings } from '../../src/config/changes.ts'
import { loadConfig } from '../../src/config/load.ts'
import { pidOf, who } from '../support/ask-who.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { initialize, sessionOf } from '../support/held-streams.ts'
import { freePort, testClients } from '../support/installation.ts'
import { setVariable } from '../support/set-variable.ts'

it('a stdio server with all variables sees none that a setting names, unless it is named for the server (A40)', async (test) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-variables-'))
  const file = join(folder, 'seen.json')
  const own = {
    GATE_SECRET: 'secret-of-the-machine',
    TOKEN_FOR_BOTH: 'token-of-another-server',
    OTHER: 'yes',
  }
  Object.assign(process.env, own)
  test.after(() => Object.keys(own).forEach((name) => Reflect.deleteProperty(process.env, name)))
  const machine = { grantTypes: ['client_credentials' as const], scopes: ['mcp:tools:read'] }
  const program = 'require("node:fs").writeFileSync(process.argv[1], JSON.stringify(process.env))'
  const command = [process.execPath, '-e', program, file]
  const credential = { kind: 'bearer' as const, token: '$TOKEN_FOR_BOTH' }
  const base = {
    data: join(folder, 'data'),
    listen: { gateway: await freePort(), authorizationServer: 0, admin: 0 },
    log: { level: 'silent' as const },
    clients: [{ id: 'machine', secret: '$GATE_SECRET', ...machine }],
    upstreams: [
      { name: 'files', command, environment: ['*', 'TOKEN_FOR_BOTH'] },
      { name: 'mail', path: '/mail', url: 'http://127.0.0.1:9/mcp', credential },
    ],
  }
  const running = await start(loadConfig({ base, environment: own }))
  test.after(() => running.close())
  const answer = await fetch(`${running.publicUrl}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`machine:${own.GATE_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${running.publicUrl}/mcp` }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const call = await fetch(`${running.publicUrl}/mcp`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    }),
  })
  assert.equal(call.status, 502, 'it has ended by now')
  const seen = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  assert.deepEqual(
    [seen['GATE_SECRET'], seen['TOKEN_FOR_BOTH'], seen['OTHER']],
    [undefined, own.TOKEN_FOR_BOTH, 'yes'],
  )
})

it('such a server keeps its processes while settings name the same variables or fewer, until one names another (A40)', async (test) => {
  const names = ['FIRST_SECRET', 'SECOND_SECRET', 'THIRD_SECRET'] as const
  for (const name of names) setVariable(test, name, `${name}-of-a-client`.padEnd(40, 'x'))
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-variables-'))
  const machine = { grantTypes: ['client_credentials' as const], scopes: ['mcp:tools:read'] }
  const command = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]
  const listen = { gateway: await freePort(), authorizationServer: 0, admin: 0 }
  const load = (...clients: readonly (typeof names)[number][]) =>
    loadConfig({
      base: {
        data: join(folder, 'data'),
        listen,
        log: { level: 'silent' as const },
        clients: [
          ...testClients,
          ...clients.map((name) => ({ id: name.toLowerCase(), secret: `$${name}`, ...machine })),
        ],
        upstreams: [{ name: 'files', command, environment: ['*'], era: 'legacy' as const }],
      },
      environment: process.env,
    })
  const before = load('FIRST_SECRET', 'SECOND_SECRET')
  const running = await start(before)
  test.after(() => running.close())
  const url = `${running.publicUrl}/mcp`
  const token = await tokenFor(url, 'ada')
  const session = sessionOf(await post(url, token, initialize))
  const pid = pidOf(await post(url, token, who, { headers: session }))

  const fewer = [load('SECOND_SECRET', 'FIRST_SECRET'), load('FIRST_SECRET'), load()]
  for (const next of fewer) {
    await running.replace(next)
    assert.equal(pidOf(await post(url, token, who, { headers: session })), pid)
  }
  assert.deepEqual(
    fewer.map((next) => changedSettings(before, next).toSorted()),
    [
      ['clients'],
      ['clients[second_secret]', 'upstreams[files].environment'],
      ['clients[first_secret]', 'clients[second_secret]', 'upstreams[files].environment'],
    ],
  )

  await running.replace(load('THIRD_SECRET'))
  const again = sessionOf(await post(url, token, initialize))
  const ask = legacyRequest('tools/call', { name: 'environment', arguments: {} })
  const { messages } = await post(url, token, ask, { headers: again })
  const text = JSON.stringify(messages)
  assert.deepEqual(
    ['PATH', ...names].filter((name) => text.includes(name)),
    ['PATH', 'FIRST_SECRET', 'SECOND_SECRET'],
  )
})
