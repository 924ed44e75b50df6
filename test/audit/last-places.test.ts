import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { beginChain } from '../../src/audit/chain.ts'
import { currentFile } from '../../src/audit/files.ts'
import { promisesOf } from '../../src/audit/last-places.ts'
import { syslogMessage } from '../../src/audit/sinks/syslog-message.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

/** What UDP carries over IPv4 at most (RFC 5426 section 3.2). */
const longestDatagram = 65_507

it('a chain begins with a line that fits into a datagram, and the next ones name the places it left out', async () => {
  const made = makeTrailFolder()
  const chains = Array.from({ length: 1400 }, beginChain)
  const event = JSON.stringify({ time: new Date(made.clock.now()).toISOString(), ...someEvent('read') })
  mkdirSync(made.folder)
  writeFileSync(
    join(made.folder, currentFile(undefined, made.clock.now())),
    chains.map((chain) => `${chain.next(event)}\n`).join(''),
  )
  const begins: string[] = []
  for (let start = 0; start < 3; start++) {
    const before = made.lines().length
    await made.open().close()
    begins.push(made.lines()[before] ?? '')
  }
  for (const line of begins) {
    const message = syslogMessage(line, line, { host: 'h'.repeat(255), pid: 4_194_304 })
    assert.ok(Buffer.byteLength(message) <= longestDatagram, `${Buffer.byteLength(message)} bytes`)
  }
  const named = new Set(begins.flatMap((line) => promisesOf(JSON.parse(line)).map(({ chain }) => chain)))
  assert.deepEqual(
    chains.filter(({ head }) => !named.has(head.chain)),
    [],
  )
})
