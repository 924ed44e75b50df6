import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { portcullis } from '../support/command.ts'
import { startInstallation } from '../support/installation.ts'

it('an access review says whether its record is what it was, and of how many events no signature says so yet (N34)', async (test) => {
  const installation = await startInstallation()
  test.after(() => installation.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-record-'))
  const audit = join(installation.data, 'audit')
  await fetch(installation.mcpUrl, { method: 'POST' })
  cpSync(audit, join(folder, 'begun'), { recursive: true })
  for (let call = 0; call < 2; call++) await fetch(installation.mcpUrl, { method: 'POST' })
  cpSync(audit, join(folder, 'open'), { recursive: true })
  // What is there by now is signed.
  await installation.restart()
  cpSync(audit, join(folder, 'ended'), { recursive: true })

  cpSync(join(folder, 'ended'), join(folder, 'cut'), { recursive: true })
  const [file = ''] = filePaths(join(folder, 'cut'))
  const [first, second, , ...others] = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, [first, second, ...others].join('\n'))

  const recordOf = async (name: string): Promise<string> => {
    const out = join(folder, `${name}.html`)
    const flags = ['--data', installation.data, '--out', out]
    const { code, stderr } = await portcullis(['audit', 'report', join(folder, name), ...flags])
    assert.equal(code, 0, stderr)
    return /<header>[^]*<\/header>/.exec(readFileSync(out, 'utf8'))?.[0] ?? ''
  }
  assert.match(await recordOf('begun'), /1 event came after the last signature of their chain: .* changed it/)
  const open = await recordOf('open')
  assert.match(open, /The record was verified/)
  assert.match(open, /3 events came after the last signature of their chain/)
  assert.doesNotMatch(await recordOf('ended'), /after the last signature/)
  const cut = await recordOf('cut')
  assert.match(cut, /The record is not what it was \(1 finding\): portcullis audit verify says where/)
  assert.doesNotMatch(cut, /was verified/)
})
