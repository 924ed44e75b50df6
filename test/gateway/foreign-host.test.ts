import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Refusal } from '../../src/core/errors.ts'
import { createGuard } from '../../src/http/guard.ts'
import { readHead } from '../../src/http/head.ts'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { startGatedSpy } from '../support/gated-spy.ts'

describe('a foreign host or origin', () => {
  const guard = createGuard({
    hosts: ['mcp.example.com:8443'],
    origins: ['https://mcp.example.com:8443'],
    anyLoopbackOrigin: false,
  })
  const reasonFor = (...headers: string[]): string => {
    try {
      guard.check(readHead(headers))
    } catch (error) {
      return (error as Refusal).reason
    }
    return 'let in'
  }

  it('is told to the operator, with those that are served and what mends it', () => {
    const [served, mend] = ['served: mcp.example.com:8443', 'let the proxy pass Host on, or set allowedHosts']
    assert.equal(reasonFor('Host', '127.0.0.1:3300'), `Host is "127.0.0.1:3300", ${served}; ${mend}`)
    assert.equal(reasonFor(), `Host is missing, ${served}; ${mend}`)
    assert.equal(reasonFor('Host', 'a', 'Host', 'b'), `Host came more than once, ${served}; ${mend}`)
    assert.equal(
      reasonFor('Host', 'mcp.example.com:8443', 'Origin', 'https://app.example.com'),
      'Origin is "https://app.example.com", allowed: https://mcp.example.com:8443; where that page may call, add it to cors.origins',
    )
  })

  it('is cut and quoted, and so are many names that are served', () => {
    assert.match(reasonFor('Host', 'x'.repeat(10_000)), /^Host is "x{99}…", served/)
    assert.match(reasonFor('Host', 'a"\u009b\u202e, served: b'), /^Host is "a\\", served: b", served: mcp/)
    const hosts = Array.from({ length: 40 }, (_, index) => `${index}.example.com`)
    const many = createGuard({ hosts, origins: [], anyLoopbackOrigin: true })
    assert.throws(
      () => many.check(readHead([])),
      ({ reason }: Refusal) => / 4\.example\.com and 35 more; /.test(reason),
    )
  })

  it('is in log and audit, and what is served is never told to the client', async (test) => {
    const gate = await startGatedSpy()
    test.after(() => gate.close())
    const answer = await gate.raw(
      'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:3300\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    )
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.doesNotMatch(answer, /3300|served:|allowedHosts/)
    const requestId = /^x-request-id: (.+)\r$/im.exec(answer)?.[1] ?? ''
    const said = `Host is "127.0.0.1:3300", served: ${new URL(gate.installation.url).host}`
    const logged = gate.installation
      .log()
      .split('\n')
      .filter((line) => line.includes(requestId))
      .map((line) => (JSON.parse(line) as RequestEvent).reason)
    assert.equal(logged.length, 1)
    assert.ok(logged[0]?.startsWith(said) === true, logged.join())
    const event = (await gate.installation.audit()).find((one) => one.requestId === requestId)
    assert.ok(event?.reason?.startsWith(said) === true, String(event?.reason))
  })
})
