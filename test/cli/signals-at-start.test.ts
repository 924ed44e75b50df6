import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { listen } from '../support/listen.ts'
import { until } from '../support/until.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

describe('what an operator asks of portcullis serve by a signal', {
  skip: process.platform === 'win32',
}, () => {
  it('waits until it serves, and ends nothing', { timeout: 60_000 }, async (test) => {
    const asked = Promise.withResolvers<void>()
    const told = Promise.withResolvers<void>()
    const issuer = createServer((_, res) => {
      asked.resolve()
      const answer = JSON.stringify({ issuer: url, jwks_uri: `${url}/keys`, keys: [] })
      void told.promise.then(() => res.setHeader('content-type', 'application/json').end(answer))
    })
    const { url } = await listen(issuer, test)
    const data = mkdtempSync(join(tmpdir(), 'portcullis-signals-'))
    const file = join(data, 'portcullis.yaml')
    const config = {
      data,
      mode: 'development',
      publicUrl: 'http://127.0.0.1:9',
      listen: { gateway: 0, admin: 0, authorizationServer: 0 },
      upstreams: [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }],
      // The start waits for its answer.
      issuers: [{ issuer: url, audiences: ['api'] }],
    }
    writeFileSync(file, JSON.stringify(config))
    // One comes while most of the program has still to be loaded.
    const early = join(data, 'early.mjs')
    writeFileSync(
      early,
      `import { registerHooks } from 'node:module'
      registerHooks({
        load(url, context, next) {
          if (url.includes('/node_modules/commander/')) process.kill(process.pid, 'SIGUSR2')
          return next(url, context)
        },
      })`,
    )
    const child = spawn(
      process.execPath,
      ['--import', pathToFileURL(early).href, program, 'serve', '-c', file],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    test.after(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await Promise.race([asked.promise, once(child, 'exit')])
    child.kill('SIGHUP')
    told.resolve()
    await until(() => /the configuration has not changed/.test(output), 'it has been read again')
    await until(() => /SIGUSR2 replaces workers, and there are none/.test(output), 'what it would need')
    assert.equal(child.signalCode, null)
  })
})
