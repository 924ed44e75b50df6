import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Visit } from '../../src/doctor/contract.ts'
import { profiles } from '../../src/doctor/profiles.ts'
import { createReport } from '../../src/doctor/report.ts'
import { findServerMetadata } from '../../src/doctor/steps/find-server-metadata.ts'
import { readChallenge } from '../../src/doctor/steps/read-challenge.ts'
import { type Answer, origin, resource } from '../support/doctor-step.ts'

/** A visit of a server that answers everything so. */
function visit({ json, ...answer }: Answer): Visit {
  const text = json === undefined ? '' : JSON.stringify(json)
  return {
    endpoint: new URL(`${origin}/mcp`),
    profile: profiles.inspector,
    revision: '2026-07-28',
    credentials: { kind: 'none' },
    report: createReport(() => undefined),
    say: () => undefined,
    ask: async (url) => ({ url, status: 200, headers: {}, cookies: [], text, ...answer }),
  }
}

describe('the fix that doctor names', () => {
  it('is for what it saw: a redirect, a wrong path, or else what the check is about', async () => {
    for (const [answer, fix] of [
      [{ status: 307, headers: { location: '/other' } }, /the URL that the redirect leads to/],
      [{ status: 404 }, /Check the path of the URL/],
      [{ status: 405 }, /it usually is \/mcp/],
      [{ headers: { 'content-type': 'text/html' } }, /it usually is \/mcp/],
      [{ status: 400 }, /^Check the token before anything else/],
      [{ json: {} }, /^Check the token before anything else/],
      [{ status: 500 }, /^Check the token before anything else/],
      [
        { status: 404, json: { error: { code: 1, data: { code: 'path_outside' } } } },
        /forward paths unchanged/,
      ],
      [
        { status: 403, json: { error: { code: 1, data: { code: 'host_not_allowed' } } } },
        /forward `Host` as clients send it/,
      ],
      [{ status: 403, json: { error: { code: 1, data: { code: 'other' } } } }, /^Check the token/],
    ] as const) {
      const made = visit(answer)
      await readChallenge(made)
      const finding = made.report.findings.find(({ check }) => check === 'challenge-status')
      assert.match(finding?.fix ?? '', fix)
    }
    for (const [answer, fix] of [
      [{ headers: { 'content-type': 'text/html' } }, /clients stop at an HTML page/],
      [{ status: 500 }, /^Serve the metadata at/],
    ] as const) {
      const made = visit(answer)
      await findServerMetadata(made, resource)
      assert.match(made.report.findings[0]?.fix ?? '', fix)
    }
  })
})
