import assert from 'node:assert/strict'
import { it } from 'node:test'
import { hashLine } from '../../src/audit/chain.ts'
import { verifyTrail } from '../../src/audit/verify.ts'

it('what somebody appends to a chain whose beginning was pruned lacks the signatures that are due (N34)', async () => {
  const begins = Date.UTC(2026, 10, 27)
  let prev = hashLine('what was pruned')
  const anchors = new Map([['c', [{ chain: 'c', seq: 4, hash: prev }]]])
  const lines = Array.from({ length: 13 }, (_, index) => {
    const time = new Date(begins + index * 600_000).toISOString()
    const event = { v: 1, chain: 'c', seq: 5 + index, prev, time, event: 'mcp.call', outcome: 'allowed' }
    const line = JSON.stringify(event)
    prev = hashLine(line)
    return line
  })
  const verify = async (count: number): Promise<string[]> => {
    const batches = (async function* () {
      yield { source: 'file', first: 1, lines: lines.slice(0, count), bytes: 0 }
    })()
    return (await verifyTrail(batches, { keys: new Map(), anchors })).findings.map(({ kind }) => kind)
  }
  assert.deepEqual(await verify(13), [], 'two hours are the longest that a chain may take')
  const last = new Date(begins + 13 * 600_000).toISOString()
  lines.push(JSON.stringify({ v: 1, chain: 'c', seq: 18, prev, time: last, event: 'mcp.call' }))
  assert.deepEqual(await verify(14), ['unsigned'])
})
