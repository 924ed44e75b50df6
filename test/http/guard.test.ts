import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Refusal } from '../../src/core/errors.ts'
import { createGuard } from '../../src/http/guard.ts'
import { readHead } from '../../src/http/head.ts'

describe('origins in production (A33)', () => {
  const guard = createGuard({
    hosts: ['mcp.example.com'],
    origins: ['https://mcp.example.com', 'https://app.example.com'],
    anyLoopbackOrigin: false,
  })
  const check = (origin: string): void => guard.check(readHead(['Host', 'mcp.example.com', 'Origin', origin]))

  it('are those of the configuration, to the letter', () => {
    check('https://app.example.com')
    check('https://mcp.example.com')
    for (const origin of [
      'http://localhost:3000',
      'http://127.0.0.1',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://app.example.com.evil.example',
      'https://evil.app.example.com',
      'https://APP.example.com',
      'https://app.example.com/',
      'null',
      '',
    ])
      assert.throws(() => check(origin), { code: 'origin_not_allowed' }, origin)
  })

  it('come once, and so do hosts: a proxy may have looked at another one', () => {
    for (const [name, value] of [
      ['Origin', 'https://app.example.com'],
      ['Host', 'mcp.example.com'],
    ] as const) {
      const twice = readHead(['Host', 'mcp.example.com', name, value, name, value])
      assert.throws(() => guard.check(twice), { code: `${name.toLowerCase()}_not_allowed` })
    }
  })

  it('are told to the operator shortened, and as what they are (A14)', () => {
    const refused = (name: string, value: string): string => {
      try {
        guard.check(readHead(['Host', 'mcp.example.com', name, value]))
      } catch (error) {
        return (error as Refusal).reason
      }
      return 'allowed'
    }
    assert.match(
      refused('Origin', `https://a${'b'.repeat(10_000)}`),
      /^Origin is "https:\/\/ab{90}…", allowed: /,
    )
    assert.match(refused('Origin', 'https://a\u202eb'), /^Origin is "https:\/\/ab", allowed: /)
  })

  it('while developing are whole origins of loopback', () => {
    const developing = createGuard({ hosts: ['localhost:3002'], origins: [], anyLoopbackOrigin: true })
    for (const origin of [
      'x-http://localhost:1',
      'https://evil.example/http://localhost',
      'http://localhost:1/',
      'http://localhost:123456',
    ])
      assert.throws(
        () => developing.check(readHead(['Host', 'localhost:3002', 'Origin', origin])),
        { code: 'origin_not_allowed' },
        origin,
      )
  })
})
