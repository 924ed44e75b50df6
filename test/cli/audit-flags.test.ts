import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Command } from 'commander'
import { addFilterFlags, parseEvent, parseTime } from '../../src/cli/audit/audit-filter.ts'

describe('a time on the command line', () => {
  const { TZ } = process.env
  after(() => {
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })

  it('is in UTC, as events have it, wherever the command runs and whether or not it has a time of day', () => {
    for (const zone of ['America/New_York', 'Asia/Tokyo']) {
      process.env['TZ'] = zone
      assert.equal(parseTime('2026-11-27'), Date.UTC(2026, 10, 27), zone)
      assert.equal(parseTime('2026-11-27T10:00'), Date.UTC(2026, 10, 27, 10), zone)
      assert.equal(parseTime('2026-11-27T10:00:30.250'), Date.UTC(2026, 10, 27, 10, 0, 30, 250), zone)
      assert.equal(parseTime('2026-11-27T10:00+09:00'), Date.UTC(2026, 10, 27, 1), zone)
    }
  })

  it('is a day, a moment, or a span before now', (test) => {
    assert.equal(parseTime('2026-11-27'), Date.UTC(2026, 10, 27))
    assert.equal(parseTime('2026-11-27T10:00Z'), Date.UTC(2026, 10, 27, 10))
    assert.equal(parseTime('2026-11-27T10:00:01.5+02:00'), Date.UTC(2026, 10, 27, 8, 0, 1, 500))
    test.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 27, 10) })
    assert.equal(parseTime('7d'), Date.UTC(2026, 10, 20, 10))
    assert.equal(parseTime('36h'), Date.UTC(2026, 10, 25, 22))
    assert.equal(parseTime('90m'), Date.UTC(2026, 10, 27, 8, 30))
    assert.equal(parseTime('99999999d'), 0, 'no store has events of before 1970')
    assert.equal(parseTime('0001-01-01'), 0)
  })

  it('is nothing that is not written so: 40 is no year, and would have all events removed that are older', () => {
    for (const text of [
      '40',
      '90',
      '400',
      '7',
      'last 7',
      '11/12/2026',
      '2026-02-30',
      '2026-13-01',
      '2026-11-27T25:00Z',
      '',
      '7w',
    ])
      assert.throws(() => parseTime(text), /write a time as 2026-11-27T10:00Z, or as 24h/, text)
  })
})

describe('an event on the command line', () => {
  it('is one that there is, or the beginning of some: nothing is found of a name that is wrong, and that looks like an answer', () => {
    for (const text of ['mcp.call', 'oauth', 'admin', 'audit', 'audit.gap'])
      assert.equal(parseEvent(text), text)
    for (const text of ['mcp.calls', 'mcp.', 'login', 'oauth.log', 'OAuth', ''])
      assert.throws(
        () => parseEvent(text),
        /no such event: give one of mcp, http, oauth, account, admin, audit, or an event/,
        text,
      )
  })
})

describe('the flags that say which events are meant', () => {
  it('refuse what is no time and no event', () => {
    const given = (...flags: string[]) =>
      addFilterFlags(new Command().exitOverride().configureOutput({ writeErr: () => undefined })).parse(
        flags,
        {
          from: 'user',
        },
      )
    assert.deepEqual(given('--event', 'oauth', '--until', '2026-11-27').opts(), {
      event: 'oauth',
      until: Date.UTC(2026, 10, 27),
    })
    for (const flags of [
      ['--event', 'mcp.calls'],
      ['--since', '40'],
      ['--until', '40'],
    ])
      assert.throws(() => given(...flags), /is invalid/, flags.join(' '))
  })
})
