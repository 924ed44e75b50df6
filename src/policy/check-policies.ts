import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { withUnknownArguments } from './cedar/could-permit.ts'
import { describeError, engine, engineFailed } from './cedar/engine.ts'
import {
  type EntityName,
  type Mentions,
  mentionsOf,
  mentionsOfAll,
  type WrittenUri,
} from './cedar/mentions.ts'
import {
  type ParsedPolicy,
  type PolicyProblem,
  type PolicyText,
  parsePolicies,
  startOf,
} from './cedar/parse.ts'
import { policySchema } from './cedar/schema.ts'
import { comparableForm, spellingsOf } from './uri-spellings.ts'

/** What policies are about. */
export interface PolicySubject {
  /** The names of the MCP servers. */
  readonly servers: readonly string[]
  /** How many issuers there are whose tokens are accepted. */
  readonly issuers: number
}

/** Everything that is wrong with policies: what cannot be read, what has no meaning here, and what means too much. */
export function checkPolicies(
  texts: readonly PolicyText[],
  subject: PolicySubject,
): readonly PolicyProblem[] {
  const { policies, problems } = parsePolicies(texts)
  const wrong = ({ index, placeOf }: ParsedPolicy, message: string, start = 0): PolicyProblem => {
    return { index, message: `${placeOf(start)}: ${message}` }
  }
  const all = policies.map((policy) => {
    const mentions = mentionsOf(policy.json)
    // Where it is not clear what follows the name of the server, nothing can be said of the URI.
    const entities = mentions.entities.filter((entity) => nameProblems(entity, subject).length === 0)
    return { policy, mentions, understood: { ...mentions, entities } }
  })
  const uris = all.flatMap(({ understood }) => urisOf(understood))
  return [
    ...problems,
    ...all.flatMap(({ policy, mentions, understood }) => {
      return [
        ...typeProblems(policy, mentions).map(({ message, start }) => wrong(policy, message, start)),
        ...mentions.entities
          .flatMap((entity) => nameProblems(entity, subject))
          .map((one) => wrong(policy, one)),
        ...uriProblems(policy.json, understood).map((one) => wrong(policy, one)),
        ...spellingProblems(policy.json, understood, uris).map((one) => wrong(policy, one)),
        ...issuerProblems(policy.json, mentions, subject).map((one) => wrong(policy, one)),
      ]
    }),
  ]
}

/** What is no type, action or attribute here. What says something of arguments is left out: they have no types. */
function typeProblems(
  { name, text, json }: ParsedPolicy,
  mentions: Mentions,
): { readonly message: string; readonly start: number }[] {
  const isTyped = mentions.arguments === undefined
  const checked = engine().validate({
    schema: policySchema,
    policies: { staticPolicies: { [name]: isTyped ? text : withUnknownArguments(json) } },
  })
  if (checked.type === 'failure') throw engineFailed(checked.errors)
  const warnings = checked.validationWarnings.filter(({ error }) => seriousWarning.test(error.message))
  return [...checked.validationErrors, ...warnings].map(({ error }) => {
    const message = describeError(error).replace(`for policy \`${name}\`, `, '')
    return { message, start: isTyped ? startOf(error) : 0 }
  })
}

/** A policy that never applies forbids nothing, and one with such characters is not what it looks like. */
const seriousWarning = /policy is impossible|BIDI control/

/** A name that means nothing would let a forbid forbid nothing. */
function nameProblems({ type, id }: EntityName, { servers }: PolicySubject): string[] {
  const known = `the servers are ${servers.join(', ') || 'none'}`
  if (type === 'Server') return servers.includes(id) ? [] : [`there is no server "${id}": ${known}`]
  if (type !== 'Tool' && type !== 'Prompt' && type !== 'Resource') return []
  if (type !== 'Resource' && id.includes('*'))
    return [`in ${type}::"${id}" an asterisk means itself: compare resource.name with a pattern (like)`]
  const [server = ''] = id.split('/', 1)
  if (id.includes('/') && servers.includes(server)) return []
  return [`${type}::"${id}" must begin with the name of its server and a slash: ${known}`]
}

/** The URIs that a policy names, and patterns of such. */
function urisOf({ entities, uris }: Mentions): WrittenUri[] {
  return [...entities.flatMap(resourceUri).map((uri) => ({ uri, isPattern: false })), ...uris]
}

function resourceUri({ type, id }: EntityName): string[] {
  return type === 'Resource' && id.includes('/') ? [id.slice(id.indexOf('/') + 1)] : []
}

/**
 * URIs are looked at in their normal form, so that what has another would forbid hardly anything. What a
 * forbid exempts is let through in each of its spellings, or not at all, as what a permit names.
 */
function uriProblems(policy: PolicyJson, mentions: Mentions): string[] {
  const exempted = new Set(exemptionsOf(policy).flatMap(({ names }) => urisOf(names).map(({ uri }) => uri)))
  return urisOf(mentions).flatMap(({ uri, isPattern }) => {
    const forbids = policy.effect === 'forbid' && !exempted.has(uri)
    const form = comparableForm(uri, { isPattern, forbids })
    if (form === undefined) return []
    const why = forbids
      ? `callers would evade "${uri}" by writing it otherwise`
      : `no server understands "${uri}" as it is written`
    return [`${why}: write "${form}"`]
  })
}

/** A resource is permitted in each of its spellings, or not at all. */
function spellingProblems(
  { effect }: PolicyJson,
  { entities }: Mentions,
  named: readonly WrittenUri[],
): string[] {
  if (effect === 'forbid' || named.some(({ isPattern }) => isPattern)) return []
  const known = new Set(named.map(({ uri }) => uri))
  return entities.flatMap(resourceUri).flatMap((uri) => {
    const others = [...(spellingsOf(uri)?.keys() ?? [])].filter((one) => !known.has(one))
    if (others.length === 0) return []
    const list = others.map((one) => `"${one}"`).join(', ')
    return [
      `the resource "${uri}" is permitted only if that is permitted which it may be taken for, too: ${list}`,
    ]
  })
}

const ofIssuers: ReadonlySet<string> = new Set(['User', 'Client', 'Group', 'Role'])

/** Two issuers can give the same name to different people, so a policy has to say whose it lets through. */
function issuerProblems(policy: PolicyJson, mentions: Mentions, { issuers }: PolicySubject): string[] {
  if (issuers < 2) return []
  const isPermit = policy.effect === 'permit'
  const letThrough = isPermit ? [{ names: mentions, within: mentions }] : exemptionsOf(policy)
  return letThrough.flatMap(({ names: { entities, callerAttributes }, within }) => {
    const named = entities.find(({ type }) => ofIssuers.has(type))
    const isAbout =
      named !== undefined || ['subject', 'client', 'actor'].some((one) => callerAttributes.has(one))
    if (!isAbout || within.callerAttributes.has('issuer')) return []
    const who = named === undefined ? 'callers' : `${named.type}::"${named.id}"`
    const how = isPermit
      ? `add a condition that says whose ${who} this permits, such as when { principal.issuer == "https://…" }`
      : `say in the same condition whose ${who} this exempts, such as unless { … && principal.issuer == "https://…" }`
    return [`tokens of ${issuers} issuers are accepted, and each has names of its own: ${how}`]
  })
}

/** What a condition of a forbid looks at to exempt it, within everything that the condition looks at. */
interface Exemption {
  readonly names: Mentions
  readonly within: Mentions
}

function exemptionsOf({ conditions }: PolicyJson): Exemption[] {
  return conditions.map(({ kind, body }) => {
    const within = mentionsOf(body)
    return { within, names: kind === 'unless' ? within : mentionsOfAll(negationsIn(body).map(mentionsOf)) }
  })
}

function negationsIn(node: unknown): object[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === '!' || key === '!=' ? [value as object] : negationsIn(value),
  )
}
