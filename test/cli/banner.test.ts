import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type { Running } from '../../src/app.ts'
import { nextHints, setUpHint } from '../../src/cli/banner.ts'
import { startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { pretendPlatform } from '../support/pretend-platform.ts'
import { until } from '../support/until.ts'

it('the command that adds the first user is one that a shell reads as it is meant', () => {
  const hint = (data: string): string => setUpHint('http://127.0.0.1/setup/x', { file: undefined, data })
  assert.match(hint('/srv/gate'), /^or with: portcullis user add NAME --data \/srv\/gate$/m)
  assert.ok(hint('/srv/the gate').includes(`--data '/srv/the gate'\n`))
  assert.ok(hint(`/srv/ada's; rm -r x`).includes(String.raw`--data '/srv/ada'\''s; rm -r x'` + '\n'))
})

it('so is the one that gives a token, in the shells of each system', (test) => {
  const hint = (data: string): string =>
    nextHints({ resources: [] } as unknown as Running, { mode: 'development' }, { data })
  assert.ok(hint('the gate').endsWith(`portcullis token --scope "mcp:*" --data 'the gate'\n`))
  pretendPlatform(test, 'win32')
  const plain = String.raw`C:\gate\data`
  assert.ok(hint(plain).endsWith(` --data ${plain}\n`))
  const spaced = String.raw`C:\the gate\data`
  assert.ok(hint(spaced).endsWith(` --data "${spaced}"\n`))
  assert.ok(hint(`${spaced}\\`).endsWith(` --data "${spaced}\\\\"\n`), 'the quote would be part of the word')
})

it('portcullis run says where the first user is created, and nothing of tokens where there are none without a sign-in', {
  timeout: 30_000,
}, async (test) => {
  const data = mkdtempSync(join(tmpdir(), 'portcullis-banner-'))
  const at = ['--port', String(await freePort()), '--data', data, '--public-url', 'https://mcp.example.com']
  const args = ['run', ...at, '--upstream', 'http://127.0.0.1:1/mcp']
  const running = await startPortcullis(test, args, { PORTCULLIS_MODE: 'production' })
  const link = /There are no users yet.*\n\n {2}https:\/\/mcp\.example\.com\/setup\/[\w-]{43}\n/
  await until(() => link.test(running.output()), 'it prints the link')
  assert.ok(running.output().includes(`portcullis user add NAME --data ${data}`))
  assert.doesNotMatch(running.output(), /portcullis token/)
})
