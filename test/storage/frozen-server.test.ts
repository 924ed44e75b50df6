import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { it } from 'node:test'
import { EndingClient } from '../../src/storage/database/ending-client.ts'
import { sharedSecret } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { startPostgres } from '../support/postgres.ts'
import { serveFile } from '../support/served-file.ts'
import { until } from '../support/until.ts'

it('a process ends although its database hangs, or is behind a network that is down', async (test) => {
  const postgres = await startPostgres()
  test.after(() => postgres.stop())
  const database = await postgres.createDatabase()
  const url = new URL(database.url)
  const target = { port: Number(url.port || 5432), host: url.hostname, allowHalfOpen: true }
  let isFrozen = false
  // Neither a word nor the end of a connection passes while it is frozen.
  const network = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(target)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('data', (chunk) => isFrozen || other.write(chunk))
      one.on('end', () => isFrozen || other.end())
      one.on('error', () => other.destroy())
    }
    near.on('close', () => far.destroy())
  })
  url.host = `127.0.0.1:${(await listen(network, test)).port}`
  const { started } = await serveFile(test, {
    store: { url: url.href },
    secret: sharedSecret,
    upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
  })
  isFrozen = true
  started.process.kill('SIGTERM')
  await until(() => started.process.exitCode === 0, 'it ends by itself')
})

it('a connection that was never open keeps no process when it ends', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  await new EndingClient({ host: '127.0.0.1' }).end()
  assert.equal(timers(), before)
})
