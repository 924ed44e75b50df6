import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseBearerChallenge } from '../../src/doctor/challenge-header.ts'
import { unreachableReason } from '../../src/doctor/host-reach.ts'
import { createReport } from '../../src/doctor/report.ts'

describe('a WWW-Authenticate value', () => {
  it('is read whatever stands around the Bearer challenge (V6)', () => {
    for (const header of [
      'Bearer realm="a, b", scope="x y", resource_metadata="https://a.example/m"',
      'bearer scope = "x y" ,resource_metadata=https://a.example/m',
      'Basic realm="no", Bearer scope="x y", resource_metadata="https://a.example/m", Digest nonce="n"',
      'Negotiate, Bearer scope="x y", scope="twice", resource_metadata="https://a.example/m"',
    ]) {
      const challenge = parseBearerChallenge(header)
      assert.equal(challenge?.get('scope'), 'x y', header)
      assert.equal(challenge?.get('resource_metadata'), 'https://a.example/m', header)
      assert.equal(challenge?.get('nonce'), undefined, header)
    }
    assert.equal(parseBearerChallenge('Bearer x="a \\"b\\" c"')?.get('x'), 'a "b" c')
    assert.equal(parseBearerChallenge('Bearer')?.size, 0)
    for (const none of [undefined, '', 'Basic realm="Bearer"', '"', '=,=']) {
      assert.equal(parseBearerChallenge(none), undefined, String(none))
    }
  })

  it('is read to the end, whatever scopes and URL it holds', () => {
    const scope = fc.stringMatching(/^[\x23-\x5b\x5d-\x7e]{1,20}$/)
    fc.assert(
      fc.property(fc.array(scope, { minLength: 1 }), fc.nat(), (scopes, number) => {
        const url = `https://a.example/${number}`
        const header = `DPoP algs="ES256", Bearer error="insufficient_scope", scope="${scopes.join(' ')}", resource_metadata="${url}", error_description="a, b = c", Basic realm="x"`
        const challenge = parseBearerChallenge(header)
        assert.deepEqual(
          [...(challenge ?? [])],
          [
            ['error', 'insufficient_scope'],
            ['scope', scopes.join(' ')],
            ['resource_metadata', url],
            ['error_description', 'a, b = c'],
          ],
        )
      }),
    )
  })

  it('of any bytes ends the reading', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (header) => void parseBearerChallenge(header)))
  })
})

describe('a report', () => {
  it('has no secret in it, however a server spells it, and nothing that steers a terminal or has no end (B4)', () => {
    const report = createReport(() => undefined)
    report.hide('a key/of+it')
    report.hide('key') // too short to be one
    report.fail('login-page', 'a key/of+it, a%20key%2Fof%2Bit, a+key%2Fof%2Bit: no key\u001b[31m')
    report.skip('refresh', 'x'.repeat(10_000))
    const [{ cause = '' } = {}, { detail = '' } = {}] = report.findings
    assert.match(cause, /^\[hidden\], \[hidden\], \[hidden\]: no key/)
    assert.ok(!cause.includes('\u001b'))
    assert.ok(detail.length <= 601, String(detail.length))
  })
})

describe('a URL in metadata', () => {
  const check = (from: string, to: string): string | undefined => unreachableReason(new URL(from), to)

  it('may lead where the client is, or to the world (N30)', () => {
    for (const [from, to] of [
      ['https://mcp.example.com/mcp', 'https://login.example.net/token'],
      ['http://127.0.0.1:3002/mcp', 'http://localhost:3002/token'],
      ['http://[::1]:3002/mcp', 'http://127.0.0.1:1/x'],
      ['http://127.0.0.1:3002/mcp', 'https://login.example.net/token'],
      ['https://mcp.corp.internal/mcp', 'https://login.corp.internal/token'],
      ['https://10.0.0.1/mcp', 'https://sso/token'],
      ['https://mcp.example.com/mcp', 'https://93.184.216.34/token'],
    ] as const) {
      assert.equal(check(from, to), undefined, `${from} → ${to}`)
    }
  })

  it('must not lead into another network, to the client itself, or over plain http (N30, B3)', () => {
    for (const [from, to, says] of [
      ['https://mcp.example.com/mcp', 'https://localhost/token', /own computer/],
      ['https://mcp.example.com/mcp', 'http://127.1.2.3/token', /own computer/],
      ['https://mcp.example.com/mcp', 'https://[::ffff:127.0.0.1]/token', /own computer/],
      ['https://mcp.example.com/mcp', 'https://gateway:8080/token', /internal network/],
      ['https://mcp.example.com/mcp', 'https://169.254.169.254/latest', /internal network/],
      ['https://mcp.example.com/mcp', 'https://[fd00::1]/token', /internal network/],
      ['https://mcp.example.com/mcp', 'https://api.svc.cluster.local/token', /internal network/],
      ['http://127.0.0.1:3002/mcp', 'http://10.0.0.7/token', /internal network/],
      ['https://mcp.example.com/mcp', 'http://mcp.example.com/token', /plain http/],
      ['https://mcp.example.com/mcp', 'https://a:b@mcp.example.com/token', /credentials/],
      ['https://mcp.example.com/mcp', 'https://:b@mcp.example.com/token', /credentials/],
      ['https://mcp.example.com/mcp', 'https://as.localhost/token', /own computer/],
      ['https://mcp.example.com/mcp', 'javascript:alert(1)', /not an http or https URL/],
      ['https://mcp.example.com/mcp', '/token', /not an http or https URL/],
    ] as const) {
      assert.match(check(from, to) ?? '', says, `${from} → ${to}`)
    }
  })
})
