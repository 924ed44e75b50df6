import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Finding } from '../../src/doctor/contract.ts'
import { type BrokenServer, startBrokenServer } from '../fixtures/broken-server.ts'
import type { Fault } from '../fixtures/faults.ts'
import { type Examination, examineServer, login } from '../support/examination.ts'
import { failures } from './faults.ts'

const started: BrokenServer[] = []
after(async () => {
  for (const server of started) await server.close()
})

async function serverWith(...faults: Fault[]): Promise<BrokenServer> {
  const server = await startBrokenServer(...faults)
  started.push(server)
  return server
}

/** Examines a server with one fault, as the client that sees the most. */
async function examineFault(fault: Fault): Promise<Examination> {
  return examineServer((await serverWith(fault)).mcpUrl, { as: 'inspector-direct', credentials: login })
}

function assertFound(
  found: Finding,
  mark: 'failed' | 'warning',
  texts: { requirement: string; cause: RegExp; fix: RegExp },
): void {
  assert.equal(found.mark, mark, JSON.stringify(found))
  assert.ok(found.requirements.includes(texts.requirement), found.requirements.join())
  assert.match(found.cause ?? '', texts.cause)
  assert.match(found.fix ?? '', texts.fix)
}

describe('doctor, at a server without a fault', () => {
  it('finds nothing: the negative control of every test below', async () => {
    const server = await serverWith()
    for (const revision of ['2025-11-25', '2026-07-28'] as const) {
      const { withMark } = await examineServer(server.mcpUrl, {
        as: 'inspector-direct',
        revision,
        credentials: login,
      })
      assert.deepEqual(withMark('failed'), [])
      assert.deepEqual(withMark('warning'), [])
      // No token for another resource is to be had there.
      assert.deepEqual(withMark('skipped'), ['token-foreign'])
    }
  })

  it('calls no tool that exists', async () => {
    const server = await serverWith()
    await examineServer(server.mcpUrl, { credentials: login })
    assert.deepEqual(server.called, ['portcullis-doctor-no-such-tool'])
  })

  it('sees that a token for another resource is refused, where one can be had (V3)', async () => {
    const server = await serverWith()
    server.servesOthers = true
    assert.equal(
      (await examineServer(server.mcpUrl, { credentials: login })).of('token-foreign').mark,
      'passed',
    )
  })
})

describe('doctor finds, with requirement, cause and fix,', () => {
  for (const { fault, check, also = [], says, ...texts } of failures) {
    it(says, async () => {
      const examination = await examineFault(fault)
      assertFound(examination.of(check), 'failed', texts)
      assert.deepEqual(new Set(examination.withMark('failed')), new Set([check, ...also]), 'and nothing else')
    })
  }

  const warnings = [
    {
      fault: 'challenge-without-metadata',
      check: 'challenge-metadata',
      requirement: 'D2',
      says: 'a challenge without resource_metadata, which newer clients survive (D2, D3)',
      cause: /the challenge has no resource_metadata/,
      fix: /Add `resource_metadata=/,
    },
    {
      fault: 'open-initialize',
      check: 'challenge-status',
      requirement: 'V5',
      says: 'a server that asks for a token late (V5)',
      cause: /the first request is let in without a token, but tools\/list is not/,
      fix: /Check the token before anything else/,
    },
    {
      fault: 'no-pkce',
      check: 'login-pkce',
      requirement: 'P1',
      says: 'a login without PKCE, as far as it can be seen (P1)',
      cause: /a login appears all the same/,
      fix: /Require `code_challenge`/,
    },
  ] as const
  for (const { fault, check, says, ...texts } of warnings) {
    it(`as a warning, ${says}`, async () => {
      const examination = await examineFault(fault)
      assertFound(examination.of(check), 'warning', texts)
      assert.deepEqual(examination.withMark('failed'), [])
    })
  }

  it('a token without an audience that opens this server and every other (T6, V3)', async () => {
    const examination = await examineFault('no-audience')
    assertFound(examination.of('token-audience'), 'warning', {
      requirement: 'T6',
      cause: /no audience/,
      fix: /into `aud`/,
    })
    assertFound(examination.of('token-foreign'), 'failed', {
      requirement: 'V3',
      cause: /\(none\)/,
      fix: /refuse every other/,
    })
  })

  it('as a warning, an issuer that gives the same token for every resource (P13)', async () => {
    const examination = await examineFault('one-audience')
    assertFound(examination.of('token-foreign'), 'warning', {
      requirement: 'V3',
      cause: /gave one for this MCP server/,
      fix: /invalid_target/,
    })
    const opaque = await examineFault('opaque-tokens')
    assertFound(opaque.of('token-foreign'), 'warning', {
      requirement: 'V3',
      cause: /cannot tell which server is at fault/,
      fix: /invalid_target.*Compare `aud`/,
    })
    assert.equal(opaque.of('token-audience').mark, 'skipped')
  })

  it('missing CORS as a warning only where the client calls from its backend (N19)', async () => {
    const { withMark } = await examineServer((await serverWith('no-cors')).mcpUrl, { as: 'inspector' })
    assert.deepEqual(withMark('failed'), [])
    assert.ok(withMark('warning').includes('cors-endpoint'))
    const other = await examineServer((await serverWith('no-cors')).mcpUrl, { as: 'cursor' })
    assert.ok(!other.findings.some(({ stage }) => stage === 'CORS'))
  })
})
