import { collectDecisions } from '../../src/audit/report/collect.ts'
import type { AccessReview } from '../../src/audit/report/review.ts'

/**
 * A review of an installation in which there is nothing and nothing has happened, except for the given facts.
 */
export function someReview(facts: Partial<AccessReview> = {}): AccessReview {
  const publicUrl = 'https://mcp.example.com'
  return {
    publicUrl,
    madeAt: 0,
    logins: 'Those who are kept here log in with password or passkey.',
    servers: [],
    users: [],
    clients: [],
    issuers: [],
    policies: [],
    policyMode: 'There are none: scopes and rules alone decide.',
    roles: [],
    access: [],
    hasMore: false,
    decisions: collectDecisions(publicUrl).result(),
    record: ['The record was verified: nothing was changed, removed or moved.'],
    ...facts,
  }
}

/** The part of a page under a heading. */
export function partOf(page: string, title: string): string {
  const [part] = new RegExp(`<h2>${title}</h2>[^]*?</section>`).exec(page) ?? []
  if (part === undefined) throw new Error(`there is no "${title}" in the page`)
  return part
}

/** The rows of the table under a heading, each with its cells. */
export function rowsOf(page: string, title: string): string[][] {
  return [...partOf(page, title).matchAll(/<tr[^>]*>((?:<td[^]*?<\/td>)+)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<td[^>]*>([^]*?)<\/td>/g)].map(([, cell = '']) => cell),
  )
}
