import assert from 'node:assert/strict'
import { it } from 'node:test'
import { scrub, scrubPath } from '../../src/telemetry/scrub.ts'

it('what could be a secret is not in a text of the log, and what is none is (B4)', () => {
  for (const [text, shown] of [
    ['redis://:pass@host:6379', 'redis://:[redacted]@host:6379'],
    ['postgres://user:pass@host/db', 'postgres://user:[redacted]@host/db'],
    [`code ${'x'.repeat(32)}`, 'code [redacted]'],
    ['x'.repeat(32), '[redacted]'],
    ['x'.repeat(31), 'x'.repeat(31)],
    ['Authorization: Bearer abc', 'Authorization: [redacted]'],
    ['a DPoP proof is missing', 'a DPoP proof is missing'],
    ['. '.repeat(3000), `${'. '.repeat(2048)}…`],
  ] as const)
    assert.equal(scrub(text), shown)
  assert.equal(scrub('this is short', ['short']), 'this is [redacted]')
})

it('what could be a secret is not in a path of the log, of which there is no end (B4)', () => {
  for (const [path, shown] of [
    [`/register/${'A1'.repeat(10)}`, '/register/…'],
    [`/register/${'A'.repeat(19)}`, `/register/${'A'.repeat(19)}`],
    ['/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server'],
    ['/a'.repeat(200), '/a'.repeat(100)],
  ] as const)
    assert.equal(scrubPath(path), shown)
})

it('secrets are looked for in linear time, in whatever a caller sends: another time would have no end here (A36)', () => {
  const spaces = ' '.repeat(4090)
  for (const text of [spaces, `=${spaces}`, `token=${spaces}`])
    for (let count = 0; count < 5000; count++) scrub(text)
})
