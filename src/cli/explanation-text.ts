import type { ClaimUse, Explanation, PolicyUse, RuleUse } from '../compose/explain/contract.ts'
import type { Principal } from '../core/principal.ts'
import { printable } from './printable.ts'

/** An explanation for programs. */
export function explanationDocument({ token, verdict, call, ...rest }: Explanation): object {
  const { principal, refused, ...reading } = token
  return {
    verified: false,
    ...rest,
    call,
    identity: principal === undefined ? null : identityOf(principal),
    token: { counts: refused === undefined, ...reading },
    missing: token.claims.filter(({ state }) => state !== 'read'),
    verdict: verdict ?? null,
  }
}

/** An explanation for people. */
export function explanationText({
  server,
  call,
  token,
  decision,
  answer,
  verdict,
  mend,
}: Explanation): string {
  const { principal, issuedBy, claims, unknownScopes, assumed } = token
  const absent = claims.filter(({ state }) => state !== 'read')
  const object = call.params['name'] ?? call.params['uri']
  const sections: readonly Section[] = [
    ['token', [issuedBy === undefined ? 'from nobody whose tokens count here' : `from ${issuedBy}`]],
    ['assumed', assumed],
    [
      'identity',
      principal === undefined ? ['none: the token does not say enough'] : rows(identityOf(principal)),
    ],
    ['claims', absent.map((use) => describeClaim(use, claims))],
    ['without meaning', unknownScopes.length === 0 ? [] : [unknownScopes.join(' ')]],
    [
      'call',
      [
        `${call.method}${typeof object === 'string' ? ` ${object}` : ''} (${call.era}) at ${server.name}, ${server.resource}`,
      ],
    ],
    ...(verdict === undefined
      ? []
      : ([
          ['needs', needsOf(verdict)],
          ['rules', verdict.rules.map(describeRule)],
          ['policies', verdict.policies.map(describePolicies)],
        ] as const)),
    [
      'decision',
      [
        answer === undefined ? decision : `${decision}: ${answer.status} ${answer.error}, ${answer.why}`,
        ...(token.refused !== undefined && verdict !== undefined
          ? [`with a valid token: ${verdict.decision}`]
          : []),
      ],
    ],
    ['what changes it', mend],
  ]
  const width = Math.max(...sections.map(([title]) => title.length)) + 2
  return [
    'Nothing was verified: this is what the token says about itself.',
    ...sections.flatMap(([title, lines]) =>
      lines.map((line, index) => (index === 0 ? title : '').padEnd(width) + printable(line)),
    ),
  ].join('\n')
}

type Section = readonly [title: string, lines: readonly string[]]

/** What a principal says about the caller, under the names used in the rest of the program. */
function identityOf(principal: Principal): Readonly<Record<string, unknown>> {
  const { issuer, subject, clientId, kind, scopes, groups, roles, audiences, expiresAt } = principal
  const { actor, keyThumbprint } = principal
  return {
    issuer,
    subject,
    clientId,
    kind,
    scopes: scopes.list,
    groups,
    roles,
    audiences,
    expiresAt: dateOf(expiresAt),
    ...(actor === undefined ? {} : { actor }),
    ...(keyThumbprint === undefined ? {} : { keyThumbprint }),
  }
}

/** An unverified value may not be a time at all. */
function dateOf(seconds: number): string | undefined {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function rows(identity: Readonly<Record<string, unknown>>): string[] {
  const width = Math.max(...Object.keys(identity).map((name) => name.length)) + 2
  return Object.entries(identity).map(([name, value]) => {
    const text = [value].flat().join(' ')
    return `${name.padEnd(width)}${text === '' ? 'none' : text}`
  })
}

const problems: Readonly<Record<ClaimUse['state'], string>> = {
  read: 'is read',
  absent: 'is missing',
  empty: 'is empty',
  unusable: 'is neither a string nor a list of strings',
}

function describeClaim(
  { claim, attribute, readBy, state, similar }: ClaimUse,
  all: readonly ClaimUse[],
): string {
  const purpose = attribute === 'token' ? 'which every access token has' : `read for ${attribute}`
  const isAnswered = all.some((use) => use.attribute === attribute && use.state === 'read')
  return [
    `${claim} ${problems[state]}, ${purpose} (${readBy})`,
    ...(isAnswered ? ['another claim provides it'] : []),
    ...(similar === undefined || isAnswered ? [] : [`did you mean ${similar}?`]),
  ].join('; ')
}

function needsOf({ needs, orElse, coveredBy, missing }: NonNullable<Explanation['verdict']>): string[] {
  if (needs === undefined) return []
  if (needs.length === 0) return ['no scope']
  return needs.map((need) => {
    const by = coveredBy[need]
    if (by !== undefined) return by === need ? need : `${need}, covered by ${by}`
    if (!missing.includes(need)) return need
    return orElse === undefined ? `${need}: missing` : `${need}, or ${orElse} for this tool alone: missing`
  })
}

function describeRule({ object, isAllowed, setting, pattern, understoodAs }: RuleUse): string {
  const name = understoodAs === undefined ? (object ?? 'no name') : `${object} (as ${understoodAs})`
  const rule =
    pattern === undefined ? `nothing in ${setting} matches` : `${setting}: ${JSON.stringify(pattern)}`
  return `${name} is ${isAllowed ? 'allowed' : 'forbidden'}: ${rule}`
}

function describePolicies({
  object,
  decides,
  verdict,
  decisive,
  obstacles,
  understoodAs,
}: PolicyUse): string {
  const name = understoodAs === undefined ? (object ?? 'no name') : `${object} (as ${understoodAs})`
  const by = decisive.length === 0 ? ' by any' : ` by ${decisive.join(', ')}`
  const said = verdict === 'unpermitted' ? `is not permitted${by}` : `is ${verdict}${by}`
  const weight = decides ? '' : ', which is only reported (policyMode)'
  return [`${name} ${said}${weight}`, ...obstacles].join('; ')
}
