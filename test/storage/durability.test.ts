import assert from 'node:assert/strict'
import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

describe('kill -9', () => {
  it('loses no client, no grant and no session', { timeout: 60_000 }, async (test) => {
    const data = await mkdtemp(join(tmpdir(), 'portcullis-kill-'))
    const port = await freePort()
    const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--port', String(port), '--data', data]
    const url = `http://127.0.0.1:${port}`

    let running = await startPortcullis(test, args)
    const client = await OAuthClient.register(url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    let tokens = await client.signIn({ scope: 'mcp:tools:read' })
    const pending = await client.authorize({ scope: 'mcp:tools:read' })
    for (let round = 0; round < 3; round++) {
      running.process.kill('SIGKILL')
      await running.exit
      running = await startPortcullis(test, args)
      const refreshed = await client.refresh(tokens.refresh_token)
      assert.equal(refreshed.status, 200, 'the grant is there')
      tokens = refreshed.body
    }
    assert.equal((await client.redeem(pending)).status, 200, 'the code that was given before is there')
    assert.equal((await client.redeem(pending)).status, 400, 'and was used up')
    running.process.kill('SIGKILL')
    await running.exit
    running = await startPortcullis(test, args)
    assert.equal((await client.redeem(pending)).status, 400, 'which is not forgotten either')
    for (const file of ['secret', 'portcullis.sqlite', 'audit.jsonl']) {
      assert.equal((await stat(join(data, file))).mode & 0o777, 0o600, file)
    }
    assert.equal((await stat(data)).mode & 0o077, 0)
    running.process.kill('SIGTERM')
    assert.equal(await running.exit, 0)
  })
})
