import { html, raw } from 'hono/html'
import type { Decisions } from './collect.ts'
import type { AccessReview, StandingAccess } from './review.ts'
import { reportStyle } from './style.ts'
import { type Markup, section, table, texts } from './table.ts'

/** Renders an access review as one page without scripts, to be read, printed or saved as PDF. */
export async function accessReviewPage(review: AccessReview): Promise<string> {
  const { publicUrl, madeAt, access, hasMore, decisions, record } = review
  const unused = access.filter(({ usedAt }) => usedAt === undefined)
  const { events, first = 'none', last = 'none' } = decisions
  const moreCommands =
    decisions.moreCommands > 0
      ? ` There are ${decisions.moreCommands} more than are listed here: a shorter time shows all of it.`
      : ''
  const more = hasMore ? ' There are more than are listed here: those that end last come first.' : ''
  const parts = [
    section(
      'Unused access',
      'Grants of people, and access of machines, of which nothing was let pass on that server in this time. What nobody uses can be ended.',
      accessTable('Unused access', unused, review),
    ),
    section(
      'Who may do what',
      `Every grant that stands, and every client that may act for itself.${more}`,
      accessTable('Access', access, review),
    ),
    section('Who did what', 'Calls, by who made them.', activityTable(decisions)),
    section('Failures', 'What was refused, put off or went wrong, and why.', failureTable(decisions)),
    section('Commands', `What operators changed.${moreCommands}`, commandTable(decisions)),
    section('Users', review.logins, userTable(review)),
    section(
      'Clients',
      'Those that are kept here, those of the configuration, and others that people let in.',
      clientTable(review),
    ),
    section(
      'Trusted issuers',
      'Whose word gives access besides that of this installation. Who their people are, they know.',
      issuerTable(review),
    ),
    section('Policies', review.policyMode, policyTable(review)),
    section('Roles', 'Who has which role for policies, beside those that issuers name.', roleTable(review)),
    section('Servers', 'What is behind the gate, and the rules for all.', serverTable(review)),
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
${record.map((sentence) => html`<p>${sentence}</p>`)}
</header>
<main>
${parts}
</main>
</body>
</html>
`
  return String(await page)
}

const never = 'never in this time'
const all = 'all'

function accessTable(label: string, access: readonly StandingAccess[], { users }: AccessReview): Markup {
  const names = new Map(users.map(({ id, name }) => [id, `${name}, ${id}`]))
  const rows = access.map(({ subject, clientId, resource, scopes, since, usedAt = never }) => {
    const who = names.get(subject) ?? (subject === clientId ? `${subject} (machine)` : subject)
    return [who, clientId, resource, scopes.join(' '), time(since), usedAt]
  })
  const columns = texts('Who', 'Client', 'Server', 'Scopes', 'Since', 'Last used')
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
  const rows = commands.map(({ time: when, operator = '', action = '', target = '', outcome = '' }) => {
    return [when, operator, action, target, outcome]
  })
  return table('Commands', texts('When', 'Who', 'What', 'About', 'Outcome'), { rows })
}

function userTable({ users }: AccessReview): Markup {
  const rows = users.map(({ id, name, provider = 'here', groups, roles, state }) => {
    return [id, name, provider, groups.join(', '), roles.join(', '), state]
  })
  return table('Users', texts('Id', 'Name', 'Logs in at', 'Groups', 'Roles', 'State'), { rows })
}

function clientTable({ clients }: AccessReview): Markup {
  const rows = clients.map(({ id, name, grantTypes, scopes, servers, state }) => {
    return [id, name, grantTypes.join(' '), scopes?.join(' ') ?? all, servers?.join(' ') ?? all, state]
  })
  return table('Clients', texts('Id', 'Name', 'Grant types', 'Scopes at most', 'Servers', 'State'), { rows })
}

function issuerTable({ issuers }: AccessReview): Markup {
  const rows = issuers.map(({ issuer, kind, accepts, gives }) => [issuer, kind, accepts, gives.join('; ')])
  return table('Trusted issuers', texts('Issuer', 'What counts', 'For whom', 'What it gives'), { rows })
}

function policyTable({ policies }: AccessReview): Markup {
  const rows = policies.map(({ name, place, effect, text }) => [name, place, effect, text])
  return table('Policies', texts('Name', 'Place', 'Effect', 'Policy'), { rows })
}

function roleTable({ roles }: AccessReview): Markup {
  const rows = roles.map(({ name, users, groups, clients }) => {
    return [name, users.join(', '), groups.join(', '), clients.join(', ')]
  })
  return table('Roles', texts('Role', 'Users', 'Groups', 'Clients'), { rows })
}

function serverTable({ servers }: AccessReview): Markup {
  const rows = servers.map(({ name, resource, rules }) => [name, resource, rules.join('; ')])
  return table('Servers', texts('Name', 'URL', 'Rules'), { rows })
}

function time(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return 'by the configuration'
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')
}
