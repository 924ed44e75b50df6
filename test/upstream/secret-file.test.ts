import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { secretFile } from '../../src/upstream/credential/secret.ts'

it('a secret in a file that cannot be used any more is told once for each reason, and when it is back', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-secret-file-')), 'secret')
  const told: string[] = []
  const options = {
    file,
    isUsable: (text: string) => text !== '',
    onChanged: () => void told.push('changed'),
    onUnusable: (reason: string) => void told.push(reason),
  }
  writeFileSync(file, '\n')
  assert.throws(() => secretFile(options), /holds no secret that can be used/)
  writeFileSync(file, 'first\n')
  const secret = secretFile(options)
  const lookUpTwice = async (): Promise<void> => {
    await secret.lookUp()
    await secret.lookUp()
  }
  await lookUpTwice()
  assert.deepEqual(told, [])
  writeFileSync(file, ' ')
  await lookUpTwice()
  rmSync(file)
  await lookUpTwice()
  assert.equal(secret.current, 'first')
  writeFileSync(file, 'second')
  await lookUpTwice()
  assert.equal(secret.current, 'second')
  rmSync(file)
  await lookUpTwice()
  const gone = 'it cannot be read: ENOENT'
  assert.deepEqual(told, ['it holds no secret that can be used', gone, 'changed', gone])
})
