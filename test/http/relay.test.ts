import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Dispatcher } from 'undici'
import { Refusal } from '../../src/core/errors.ts'
import { endStream } from '../../src/http/end-stream.ts'
import { relay } from '../../src/http/relay.ts'
import { beginRelay, startRelay } from '../support/relayed.ts'
import { until } from '../support/until.ts'

describe('a relayed stream', () => {
  it('is open for its client before anything comes', async (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const { res, handler, controller, done, answered } = await startRelay(test)
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'text/event-stream' })
    let isOpen = false
    void answered.then(() => (isOpen = true))
    await until(() => isOpen)
    res.end()
    await done
  })

  it('lets the server go when the gate itself ends it', async (test) => {
    const { res, aborted, done, text } = await beginRelay(test)
    res.end()
    assert.equal(await text, ': open\n\n')
    await done
    assert.equal(aborted.length, 1)
  })

  it('is ended by the gate with a last event, after the one that is under way', async (test) => {
    const { res, handler, aborted, controller, done, text } = await beginRelay(test)
    handler.onResponseData(controller, Buffer.from('data: {"ha'))
    endStream(res, 'data: last\n\n')
    for (const rest of ['lf": 1}', '\n\n']) {
      assert.equal(res.writableEnded, false)
      handler.onResponseData(controller, Buffer.from(rest))
    }
    handler.onResponseData(controller, Buffer.from('data: late\n\n'))
    assert.equal(await text, ': open\n\ndata: {"half": 1}\n\ndata: last\n\n')
    await done
    assert.equal(aborted.length, 1)
  })

  it('is cut off where the event under way never ends', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const { res, handler, controller, done, text } = await beginRelay(test)
    handler.onResponseData(controller, Buffer.from('data: {"ha'))
    endStream(res, 'data: last\n\n')
    const cut = assert.rejects(text)
    test.mock.timers.tick(5000)
    await cut
    await done
  })

  it('is ended by the gate at once where it is sent event by event', async (test) => {
    const take = (chunk: Buffer): string => (String(chunk).endsWith('\n\n') ? String(chunk) : '')
    const transform = { take, end: () => '' }
    const { res, handler, controller, done, text } = await beginRelay(test, { transform: () => transform })
    handler.onResponseData(controller, Buffer.from('data: {"ha'))
    endStream(res, 'data: last\n\n')
    assert.equal(await text, ': open\n\ndata: last\n\n')
    await done
  })

  it('is ended by the gate without a last event where the server has sent it', async (test) => {
    const closeCutStream = (last: Buffer | undefined): string =>
      last?.toString() === 'data: last\n\n' ? '' : ': cut\n\n'
    const { res, handler, controller, done, text } = await beginRelay(test, { closeCutStream })
    handler.onResponseData(controller, Buffer.from('data: la'))
    endStream(res, 'data: last\n\n')
    handler.onResponseData(controller, Buffer.from('st\n\n'))
    assert.equal(await text, ': open\n\ndata: last\n\n')
    await done
  })

  it('that cannot be read further ends with an error, unless the answer has come before', async (test) => {
    const take = (chunk: Buffer): string => {
      if (chunk.includes('bad')) throw new SyntaxError('no JSON')
      return String(chunk)
    }
    const closeCutStream = (last: Buffer | undefined, isReadable: boolean): string =>
      last?.toString() === 'data: last\n\n' ? '' : `: cut ${isReadable}\n\n`
    for (const [before, end] of [
      ['data: news\n\n', ': cut false\n\n'],
      ['data: last\n\n', ''],
    ] as const) {
      const transform = () => ({ take, end: () => '' })
      const { handler, controller, done, text } = await beginRelay(test, { transform, closeCutStream })
      const refused = assert.rejects(done, { code: 'upstream_invalid' })
      handler.onResponseData(controller, Buffer.from(before))
      handler.onResponseData(controller, Buffer.from('data: bad\n\n'))
      assert.equal(await text, `: open\n\n${before}${end}`)
      await refused
    }
  })

  it('takes no text where it is compressed, whoever ends it', async (test) => {
    const compressed = { 'content-encoding': 'x-test' }
    const [ended, cut] = [await beginRelay(test, {}, compressed), await beginRelay(test, {}, compressed)]
    endStream(ended.res, 'data: last\n\n')
    assert.equal(await ended.text, ': open\n\n')
    cut.handler.onResponseError(cut.controller, new Error('cut'))
    await assert.rejects(cut.text)
    await Promise.all([ended.done, cut.done])
    assert.deepEqual([cut.res.closed, cut.aborted], [true, []], 'there is nobody left to let go')
  })

  it('shows that it lives only where its server says nothing (O15)', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const { res, handler, controller, done, text } = await beginRelay(test)
    for (let time = 0; time < 3; time++) {
      test.mock.timers.tick(10_000)
      handler.onResponseData(controller, Buffer.from('data: 1\n\n'))
    }
    test.mock.timers.tick(20_000)
    res.end()
    test.mock.timers.tick(20_000)
    assert.equal(await text, `: open\n\n${'data: 1\n\n'.repeat(3)}: \n\n`)
    await done
  })

  it('gives no sign of life once its client has gone', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const { res, done, text } = await beginRelay(test)
    const gone = assert.rejects(text)
    res.destroy()
    await Promise.all([gone, done])
    const { mock } = test.mock.method(res, 'write')
    test.mock.timers.tick(60_000)
    assert.equal(mock.callCount(), 0)
  })

  it('takes nothing more from the server once it has ended', async (test) => {
    const { res, handler, aborted, controller, done, text } = await beginRelay(test)
    res.end()
    handler.onResponseData(controller, Buffer.from(': late\n\n'))
    assert.equal(await text, ': open\n\n')
    await done
    assert.equal(aborted.length, 1)
  })

  it('adds nothing when the server cuts what has ended', async (test) => {
    const { res, handler, controller, done, text } = await beginRelay(test)
    res.end()
    handler.onResponseError(controller, new Error('cut'))
    assert.equal(await text, ': open\n\n')
    await done
  })

  it('leaves alone a server that has ended it', async (test) => {
    const { handler, aborted, controller, done, text } = await beginRelay(test)
    handler.onResponseEnd(controller, {})
    assert.equal(await text, ': open\n\n')
    await done
    assert.deepEqual(aborted, [])
  })
})

describe('a relayed request', () => {
  it('is not sent for a client that has gone', async (test) => {
    const { res, handler, aborted, controller, done, text } = await startRelay(test)
    const gone = assert.rejects(text)
    res.destroy()
    await Promise.all([gone, done])
    handler.onRequestStart(controller, {})
    assert.equal(aborted.length, 1, 'before it left')
    await relay({
      dispatcher: { dispatch: () => assert.fail('sent') } as unknown as Dispatcher,
      request: { method: 'GET', path: '/' },
      res,
      accept: () => assert.fail('answered'),
      onClientGone: 'drain',
    })
  })

  it('goes on where it must, and begins no answer for a client that has gone', async (test) => {
    const { res, handler, aborted, controller, done, text } = await startRelay(test, {
      onClientGone: 'drain',
    })
    const gone = assert.rejects(text)
    res.destroy()
    await Promise.all([gone, done])
    handler.onRequestStart(controller, {})
    const headers = { 'content-type': 'text/event-stream' }
    handler.onResponseStart(controller, 200, headers)
    assert.equal(res.headersSent, false)
    assert.deepEqual(aborted, [])
  })

  it('tells when it is over after its client has gone, whether or not the server answers (A37)', async (test) => {
    for (const end of ['onResponseEnd', 'onResponseError'] as const) {
      let over: Promise<void> | undefined
      const onLeft = (left: Promise<void>): void => void (over = left)
      const { res, handler, controller, done, text } = await startRelay(test, {
        onClientGone: 'drain',
        onLeft,
      })
      handler.onRequestStart(controller, {})
      const gone = assert.rejects(text)
      res.destroy()
      await Promise.all([gone, done])
      let isOver = false
      const ended = over?.then(() => (isOver = true))
      assert.equal(isOver, false)
      if (end === 'onResponseEnd') handler.onResponseEnd(controller, {})
      else handler.onResponseError(controller, new Error('cut'))
      assert.equal(await ended, true)
    }
  })

  it('does not hold back an answer for a client that has gone', async (test) => {
    const { res, handler, controller, resumed, done, text } = await startRelay(test, {
      onClientGone: 'drain',
    })
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'application/json' })
    handler.onResponseData(controller, Buffer.alloc(8 << 20))
    assert.equal(resumed(), 0)
    const gone = assert.rejects(text)
    res.destroy()
    await Promise.all([gone, done])
    assert.equal(resumed(), 1)
  })

  it('is not cut off for having been slow before', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const { handler, controller, resumed, done, text } = await startRelay(test)
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'application/json' })
    handler.onResponseData(controller, Buffer.alloc(1 << 20))
    while (resumed() === 0) await new Promise(setImmediate)
    test.mock.timers.tick(60_000)
    handler.onResponseEnd(controller, {})
    assert.equal((await text).length, 1 << 20)
    await done
  })

  it('is no stream that could end with an event if its answer is a document', async (test) => {
    const { handler, controller, done, text } = await startRelay(test)
    handler.onResponseStart(controller, 200, { 'content-type': 'application/json' })
    handler.onResponseData(controller, Buffer.from('{'))
    const cut = assert.rejects(text)
    handler.onResponseError(controller, new Error('cut'))
    await Promise.all([cut, done])
  })

  it('gets nothing of an answer that is refused, and lets the server go', async (test) => {
    const accept = (): never => {
      throw new Refusal('upstream_invalid')
    }
    const { res, handler, aborted, controller, done, text } = await startRelay(test, { accept })
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'text/html' })
    await assert.rejects(done, { code: 'upstream_invalid' })
    handler.onResponseData(controller, Buffer.from('<html>'))
    handler.onResponseEnd(controller, {})
    assert.deepEqual([aborted.length, res.headersSent], [1, false])
    res.end('refused')
    assert.equal(await text, 'refused')
  })

  it('gets a document that is changed on its way, also one that arrives in one piece', async (test) => {
    const changed: string[] = []
    const transform = {
      take(chunk: Buffer): string {
        changed.push(String(chunk))
        return ''
      },
      end: () => changed.join('').toUpperCase(),
    }
    const { handler, controller, done, text } = await startRelay(test, { transform: () => transform })
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'application/json', 'content-length': '4' })
    handler.onResponseData(controller, Buffer.from('"ab"'))
    handler.onResponseEnd(controller, {})
    assert.equal(await text, '"AB"')
    await done
  })

  it('gets nothing of a document that cannot be changed, and lets the server go', async (test) => {
    const transform = {
      take(): never {
        throw new SyntaxError('a secret of the server')
      },
      end: () => 'unchanged',
    }
    const { res, handler, aborted, controller, done, text } = await startRelay(test, {
      transform: () => transform,
    })
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 200, { 'content-type': 'application/json' })
    handler.onResponseData(controller, Buffer.from('{'))
    handler.onResponseEnd(controller, {})
    await assert.rejects(done, { code: 'upstream_invalid', reason: 'the answer cannot be read: SyntaxError' })
    assert.equal(aborted.length, 1)
    const cut = assert.rejects(text)
    res.destroy()
    await cut
  })

  it('is answered by what follows the informational answers (RFC 9110 section 15.2)', async (test) => {
    const seen: number[] = []
    const accept = (status: number): ReturnType<Parameters<typeof relay>[0]['accept']> => {
      seen.push(status)
      return { status, headers: ['Content-Type', 'text/plain'] }
    }
    const { handler, controller, done, text } = await startRelay(test, { accept })
    handler.onRequestStart(controller, {})
    handler.onResponseStart(controller, 103, { link: '</style.css>' })
    handler.onResponseStart(controller, 200, { 'content-type': 'text/plain' })
    handler.onResponseData(controller, Buffer.from('done'))
    handler.onResponseEnd(controller, {})
    assert.equal(await text, 'done')
    await done
    assert.deepEqual(seen, [200])
  })
})
