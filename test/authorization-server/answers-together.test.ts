import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { it } from 'node:test'
import { recordBeforeAnswer, recordTogether } from '../../src/authorization-server/audit.ts'
import { makeTrailFolder } from '../support/trail.ts'

it('what is decided at one time is written once, before any of its answers leaves (N34)', async () => {
  const made = makeTrailFolder()
  const trail = made.open()
  let writes = 0
  trail.subscribe(() => writes++)
  const written = (requestId: string): number =>
    made.lines().filter((line) => line.includes(`"requestId":"${requestId}"`)).length
  const ids = ['request-one', 'request-two', 'request-three']
  const answers = ids.map(async (requestId) => {
    const res = new ServerResponse(new IncomingMessage(new Socket()))
    const event = {
      kind: 'oauth',
      step: 'token',
      outcome: 'allowed',
      requestId,
      httpMethod: 'POST',
      path: '/token',
      status: 200,
      durationMs: 1,
      address: undefined,
    } as const
    recordBeforeAnswer(res, {
      describe: () => ({ event, note: {} }),
      recorder: trail,
      resources: { all: [], fallback: undefined, root: undefined, find: () => undefined },
      onFault: (error) => assert.fail(String(error)),
    })
    await recordTogether(res)
    assert.deepEqual(ids.map(written), [1, 1, 1])
    res.writeHead(200).end()
  })
  await Promise.all(answers)
  assert.equal(writes, 1)
  await trail.close()
  assert.deepEqual(ids.map(written), [1, 1, 1], 'and not again when the answer begins')
})
