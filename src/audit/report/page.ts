import { html, raw } from 'hono/html'
import { accessKey, type Decisions } from './collect.ts'
import { reportStyle } from './style.ts'
import { type Markup, section, table, texts } from './table.ts'

/** What somebody may do: a grant that stands. */
export interface StandingGrant {
  readonly subject: string
  readonly clientId: string
  readonly resource: string
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly grantedAt: number
}

/** Somebody or something that can have access. */
export interface ReviewedParty {
  readonly id: string
  readonly name: string
  /** Such as active, disabled, or how a client came to be known. */
  readonly state: string
}

/** What an access review looks at. */
export interface AccessReview {
  readonly publicUrl: string
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  readonly users: readonly ReviewedParty[]
  readonly clients: readonly ReviewedParty[]
  readonly grants: readonly StandingGrant[]
  readonly decisions: Decisions
  /** Whether the record verified, in a sentence. */
  readonly verification: string
}

const never = 'never in this time'

/** Writes an access review as one page without script, to be read, printed or kept as PDF. */
export async function accessReviewPage(review: AccessReview): Promise<string> {
  const { publicUrl, madeAt, users, clients, grants, decisions, verification } = review
  const unused = grants.filter(({ subject, clientId }) => !decisions.used.has(accessKey(subject, clientId)))
  const { events, first = 'none', last = 'none' } = decisions
  const parts = [
    section(
      'Unused grants',
      'Grants of which nothing was let pass in this time. What nobody uses can be ended.',
      grantTable('Unused grants', unused, decisions),
    ),
    section('Who may do what', 'Every grant that stands.', grantTable('Grants', grants, decisions)),
    section('Who did what', 'Calls, by who made them.', activityTable(decisions)),
    section('Failures', 'What was refused, put off or went wrong, and why.', failureTable(decisions)),
    section('Commands', 'What operators changed.', commandTable(decisions)),
    section('Users', 'Those that are kept here.', partyTable('Users', users)),
    section(
      'Clients',
      'Those that are kept here, and those of the configuration.',
      partyTable('Clients', clients),
    ),
  ]
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Access review of ${publicUrl}</title>
<style>${raw(reportStyle)}</style>
</head>
<body>
<header>
<h1>Access review</h1>
<p>${publicUrl}, made ${time(madeAt)}. ${events} decisions, from ${first} to ${last}.</p>
<p>${verification}</p>
</header>
<main>
${parts}
</main>
</body>
</html>
`
  return String(await page)
}

function grantTable(label: string, grants: readonly StandingGrant[], { used }: Decisions): Markup {
  const rows = grants.map(({ subject, clientId, resource, scopes, grantedAt }) => {
    const lastUsed = used.get(accessKey(subject, clientId)) ?? never
    return [subject, clientId, resource, scopes.join(' '), time(grantedAt), lastUsed]
  })
  const columns = texts('Who', 'Client', 'Server', 'Scopes', 'Granted', 'Last used')
  return table(label, columns, { rows, isMarked: (row) => row.at(-1) === never })
}

function activityTable({ activities }: Decisions): Markup {
  const columns = [
    ...texts('Who', 'Client', 'Server', 'What'),
    { name: 'Allowed', isNumber: true },
    { name: 'Refused', isNumber: true },
    ...texts('Last'),
  ]
  const rows = activities.map(({ subject, clientId, upstream, what, allowed, refused, last }) => {
    return [subject, clientId, upstream, what, allowed, refused, last]
  })
  return table('Calls', columns, { rows })
}

function failureTable({ failures }: Decisions): Markup {
  const columns = [...texts('Event', 'Outcome', 'Why'), { name: 'Times', isNumber: true }, ...texts('Last')]
  const rows = failures.map(({ event, outcome, why, count, last }) => [event, outcome, why, count, last])
  return table('Failures', columns, { rows })
}

function commandTable({ commands }: Decisions): Markup {
  const rows = commands.map(({ time: when, operator = '', action = '', target = '', outcome }) => {
    return [when, operator, action, target, outcome]
  })
  return table('Commands', texts('When', 'Who', 'What', 'About', 'Outcome'), { rows })
}

function partyTable(label: string, parties: readonly ReviewedParty[]): Markup {
  const rows = parties.map(({ id, name, state }) => [id, name, state])
  return table(label, texts('Id', 'Name', 'State'), { rows })
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')
}
