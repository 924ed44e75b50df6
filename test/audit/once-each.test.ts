import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { portcullis } from '../support/command.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

it('an event that several folders have is read once, and what one of them lacks comes from another', async () => {
  const made = makeTrailFolder()
  const trail = made.open()
  for (const object of ['one', 'two']) trail.commit(someEvent(object))
  const home = mkdtempSync(join(tmpdir(), 'portcullis-copies-'))
  const archive = join(home, 'archive')
  cpSync(made.folder, archive, { recursive: true })
  trail.commit(someEvent('three'))
  await trail.close()
  const [copy = ''] = filePaths(archive)
  writeFileSync(copy, readFileSync(copy, 'utf8').replace(/^.*"two".*\n/m, ''))
  const [whole = ''] = filePaths(made.folder)
  const one = /^.*"one".*$/m.exec(readFileSync(whole, 'utf8'))?.[0] ?? ''
  appendFileSync(copy, 'no event\nno event\n')

  const query = async (...folders: string[]): Promise<unknown[]> => {
    const { code, stdout, stderr } = await portcullis(['audit', 'query', '--json', ...folders])
    assert.equal(code, 0, stderr)
    return stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { object: string }).object)
  }
  assert.deepEqual(await query(archive, made.folder), ['one', 'two', 'three'])
  assert.deepEqual(await query(made.folder, archive), ['one', 'two', 'three'])
  // A disk has damaged it in one of them.
  writeFileSync(whole, readFileSync(whole, 'utf8').replace(one, one.slice(0, -1)))
  assert.deepEqual(await query(made.folder, archive), ['two', 'three', 'one'])
})
