import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setUpHint } from '../../src/cli/banner.ts'

it('the command that adds the first user is one that a shell reads as it is meant', () => {
  const hint = (data: string): string => setUpHint('http://127.0.0.1/setup/x', { file: undefined, data })
  assert.match(hint('/srv/gate'), /^or with: portcullis user add NAME --data \/srv\/gate$/m)
  assert.ok(hint('/srv/the gate').includes(`--data '/srv/the gate'\n`))
  assert.ok(hint(`/srv/ada's; rm -r x`).includes(String.raw`--data '/srv/ada'\''s; rm -r x'` + '\n'))
})
