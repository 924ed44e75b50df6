import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { it } from 'node:test'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { until } from '../support/until.ts'

async function waitingBytes({ adminUrl }: Installation): Promise<number> {
  const page = await (await fetch(`${adminUrl}/metrics`)).text()
  assert.match(page, /^portcullis_audit_lost_total 0$/m)
  return Number(/^portcullis_audit_waiting_bytes\{sink="collector"\} (\d+)$/m.exec(page)?.[1])
}

it('the metrics show what a sink does not have yet, and that it came', async (test) => {
  const port = await freePort()
  const sinks = [{ kind: 'http' as const, name: 'collector', url: `http://127.0.0.1:${port}/` }]
  const installation = await startInstallation({ config: { audit: { sinks } } })
  test.after(() => installation.close())
  await fetch(`${installation.url}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'x' }) })
  await until(async () => (await waitingBytes(installation)) > 0)

  const collector = createServer((req, res) => req.resume().once('end', () => res.writeHead(204).end()))
  await new Promise<void>((resolve) => collector.listen(port, '127.0.0.1', resolve))
  test.after(() => {
    collector.close()
    collector.closeAllConnections()
  })
  await until(async () => (await waitingBytes(installation)) === 0)
})
