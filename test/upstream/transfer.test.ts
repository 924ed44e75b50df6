import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Dispatcher } from 'undici'
import { Transfer } from '../../src/upstream/wire/transfer.ts'

interface Followed {
  readonly transfer: Transfer
  /** What its handler was told. */
  readonly told: string[]
  dropped: number
}

/** A transfer on a connection. */
function follow(more: Dispatcher.DispatchHandler = {}): Followed {
  const told: string[] = []
  const handler: Dispatcher.DispatchHandler = {
    onResponseStart: (_controller, status) => void told.push(`head ${status}`),
    onResponseData: (_controller, chunk) => void told.push(`data ${chunk.toString()}`),
    onResponseEnd: () => void told.push('end'),
    onResponseError: (_controller, error) => void told.push(`error ${error.message}`),
    ...more,
  }
  const transfer = new Transfer({ path: '/', method: 'GET' }, handler)
  const followed = { transfer, told, dropped: 0 }
  transfer.carryBy({ pause() {}, resume() {}, drop: () => followed.dropped++ })
  return followed
}

function goOn({ transfer }: Followed): void {
  transfer.head(200, {})
  transfer.data(Buffer.from('late'))
  transfer.end()
  transfer.fail(new Error('late'))
  transfer.abort(new Error('late'))
}

describe('a transfer', () => {
  it('tells nothing after its end, however it ends', () => {
    for (const [end, last, dropped] of [
      [(transfer: Transfer) => transfer.end(), 'end', 0],
      [(transfer: Transfer) => transfer.fail(new Error('cut')), 'error cut', 0],
      [(transfer: Transfer) => transfer.abort(new Error('enough')), 'error enough', 1],
    ] as const) {
      const followed = follow()
      followed.transfer.head(200, {})
      end(followed.transfer)
      goOn(followed)
      assert.deepEqual(followed.told, ['head 200', last])
      assert.deepEqual([followed.dropped, followed.transfer.isOver], [dropped, true])
    }
  })

  it('ends with a handler that throws, and its connection with it', () => {
    const followed = follow({
      onResponseStart() {
        throw new Error('no such answer')
      },
    })
    goOn(followed)
    assert.deepEqual([followed.told, followed.dropped], [['error no such answer'], 1])
  })

  it('is carried once', () => {
    const { transfer } = follow()
    assert.throws(() => transfer.carryBy({ pause() {}, resume() {}, drop() {} }), {
      name: 'NotSupportedError',
    })
  })
})
