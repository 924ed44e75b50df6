import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { it } from 'node:test'
import { createOpened } from '../../src/compose/listeners.ts'
import { createLog } from '../../src/telemetry/log.ts'

it('a response that is written to after its end is reported, and ends nothing else (A71)', async (test) => {
  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  const opened = createOpened({ log: createLog({ level: 'silent', format: 'json' }), onFault })
  test.after(() => opened.close())
  const server = createServer((_, res) => {
    res.end('whole')
    res.write('more')
  })
  const url = await opened.listen('admin', server, { host: '127.0.0.1', port: 0, hostFix: 'none' })
  for (const count of [1, 2]) {
    const answer = await fetch(url)
    assert.equal(await answer.text(), 'whole')
    assert.deepEqual(
      faults.map((error) => (error as NodeJS.ErrnoException).code),
      Array.from({ length: count }, () => 'ERR_STREAM_WRITE_AFTER_END'),
    )
  }
})
