import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { collectDecisions } from '../../src/audit/report/collect.ts'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { findProgram } from '../support/find-program.ts'
import { pageChecks } from '../support/page-checks.ts'
import { someReview } from '../support/review.ts'
import { someEvent } from '../support/trail.ts'

const { check, withPage } = pageChecks()

/** A page with so many people, of whom every second one used what they may do. */
function somePage(people: number): Promise<string> {
  const collected = collectDecisions('https://mcp.example.com')
  const place = { v: 1, chain: 'c', seq: 1, prev: '', time: '2026-11-27T12:00:00.000Z' }
  collected.add({ ...someEvent('read'), clientId: 'inspector', ...place })
  collected.add({
    ...someEvent('write'),
    clientId: 'inspector',
    outcome: 'denied',
    code: 'object_denied',
    ...place,
  })
  const resource = 'https://mcp.example.com/a/long/path/that/does/not/fit/a/narrow/page/mcp'
  const rules = ['tools: not remove']
  return accessReviewPage(
    someReview({
      servers: [{ name: 'files', resource, rules }],
      users: [
        {
          id: 'usr_0123456789',
          name: 'ada (Ada Lovelace)',
          provider: 'company',
          groups: ['staff'],
          roles: ['auditor'],
          state: 'active',
        },
      ],
      clients: [
        {
          id: 'inspector',
          name: 'Inspector',
          grantTypes: ['authorization_code'],
          scopes: undefined,
          servers: undefined,
          state: 'registered itself',
        },
      ],
      issuers: [
        {
          issuer: 'https://idp.example.com',
          kind: 'its access tokens',
          accepts: 'all',
          gives: ['mcp:tools'],
        },
      ],
      policies: [
        {
          name: 'policies.cedar:1:1',
          place: 'policies.cedar:1:1',
          effect: 'permit',
          text: 'permit (principal in Role::"auditor", action, resource in Server::"files")\nwhen { context.now < datetime("2030-01-01") };',
        },
      ],
      roles: [{ name: 'auditor', users: ['usr_0123456789'], groups: ['staff'], clients: [] }],
      access: Array.from({ length: people }, (_, index) => ({
        subject: `person-${index}`,
        clientId: 'inspector',
        resource,
        scopes: ['mcp:tools:execute'],
        since: 0,
        usedAt: index % 2 === 0 ? place.time : undefined,
      })),
      decisions: collected.result(),
    }),
  )
}

check('the access review', async (page) => page.setContent(await somePage(2)))

it('prints as PDF on as many pages as it needs, each table with its heading on each, and no row is cut', async () => {
  const people = 120
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-review-')), 'review.pdf')
  await withPage({}, async (page) => {
    await page.setContent(await somePage(people))
    await page.pdf({ path: file, preferCSSPageSize: true })
  })
  const pdftotext = await findProgram('pdftotext', 'poppler-utils')
  const { stdout } = await promisify(execFile)(pdftotext, ['-layout', file, '-'])
  const pages = stdout.split('\f').slice(0, -1)
  assert.ok(pages.length > 4, `${pages.length} pages`)
  for (const page of pages.filter((text) => text.includes('person-'))) {
    const lines = page.split('\n').filter((line) => line.trim() !== '')
    const heading = lines.findIndex((line) => /Who +Client +Server +Scopes +Since +Last used/.test(line))
    assert.ok(heading !== -1, page)
    assert.match(lines[heading + 1] ?? '', /person-\d+ +inspector /)
  }
  const named = new Set(stdout.match(/person-\d+/g))
  assert.equal(named.size, people)
})
