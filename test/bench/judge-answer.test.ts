import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Family, Fault } from '../../bench/soak/faults.ts'
import { type Came, judgeAnswer } from '../../bench/soak/judge-answer.ts'
import { writeMark } from '../../bench/soak/marks.ts'

const result = (user: string, number: number, id = number): string =>
  `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${writeMark(user, number, 'r')}"}]}}`

const verdictOf = (came: Partial<Came>, fault?: Fault, family: Family = 'bytes'): string =>
  judgeAnswer({ user: 'user1', number: 7, family, fault }, { status: 200, text: '', end: 'whole', ...came })
    .verdict

describe('the judge of answers', () => {
  it('takes the right answer, and no other, for the answer', () => {
    assert.equal(verdictOf({ text: result('user1', 7) }), 'answered')
    assert.equal(verdictOf({ text: result('user2', 7) }), 'crossed')
    assert.equal(verdictOf({ text: result('user1', 8) }), 'crossed')
    assert.equal(verdictOf({ text: result('user1', 7, 8) }), 'crossed')
    const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":8}}'
    assert.equal(verdictOf({ text: progress + result('user1', 7) }), 'crossed')
    assert.equal(verdictOf({ text: result('user1', 7) + result('user1', 7) }), 'doubled')
  })

  it('counts as lost what ends without the answer, and as refused what has another status', () => {
    assert.equal(verdictOf({}), 'lost')
    assert.equal(verdictOf({ end: 'cut', text: result('user1', 7).slice(0, 60) }), 'lost')
    assert.equal(verdictOf({ end: 'no end', status: 0 }), 'lost')
    assert.equal(verdictOf({ status: 503 }), 'refused')
  })

  it('wants each fault answered as it may be, and nothing of others in it', () => {
    assert.equal(verdictOf({ status: 504 }, 'hang'), 'expected')
    assert.equal(verdictOf({ status: 0, end: 'no end' }, 'hang'), 'unexpected')
    assert.equal(verdictOf({ end: 'cut', text: result('user1', 7).slice(0, 60) }, 'cut json'), 'expected')
    assert.equal(verdictOf({ text: result('user2', 7) }, 'slow'), 'crossed')
    const error7 = '{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"x"}}'
    assert.equal(verdictOf({ text: error7 }, 'error', 'stdio'), 'expected')
    assert.equal(verdictOf({ text: error7 }, 'error', 'bytes'), 'unexpected', 'there it keeps its status')
    const error = '{"jsonrpc":"2.0","id":9,"error":{"code":504}}'
    assert.equal(verdictOf({ status: 504, text: error }, 'hang'), 'crossed')
  })
})
