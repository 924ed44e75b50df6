import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { portcullis } from '../support/command.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { tokenFor } from '../support/era-calls.ts'
import { recordedEvents } from '../support/recorded-events.ts'
import { until } from '../support/until.ts'
import { startWorkers } from '../support/worker-installation.ts'

it('the dashboard of the primary shows what all workers have seen, and a command opens it', async (t) => {
  const gate = await startWorkers(t, 2)
  const { stdout, code } = await portcullis(['dashboard', '-c', gate.file])
  assert.equal(code, 0)
  const operator = await openDashboard(stdout.trim())
  const { stdout: found } = await portcullis(['dashboard', '--data', gate.data])
  assert.ok(found.startsWith(`${gate.adminUrl}/sign-in/`), 'without the file it is where the last start was')
  assert.deepEqual(
    recordedEvents(join(gate.data, 'audit'))
      .filter(({ event }) => event === 'admin.access')
      .map(({ action, operator: who }) => [action, who]),
    ['dashboard link', 'dashboard sign-in', 'dashboard link'].map((action) => [action, userInfo().username]),
  )
  const token = await tokenFor(gate.mcpUrl, 'ada')
  for (let call = 0; call < 6; call++) {
    const response = await fetch(gate.mcpUrl, {
      method: 'POST',
      // Each on a connection of its own, so that the workers take turns.
      headers: {
        connection: 'close',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: call, method: 'tools/list' }),
    })
    await response.arrayBuffer()
  }
  const asked = () => gate.lines().filter(({ kind }) => kind === 'mcp')
  // Lines of a log may be written a moment later.
  await until(() => asked().length >= 6, 'all requests are in the log')
  const mcp = asked()
  assert.equal(new Set(mcp.map(({ worker }) => worker)).size, 2, 'both workers were asked')
  assert.match(await (await operator.get('/')).text(), /<td>tools\/list<\/td>\s*<td>6<\/td>/)
  assert.equal((await fetch(`${gate.adminUrl}/sign-in/${'x'.repeat(43)}`, { method: 'POST' })).status, 401)
})
