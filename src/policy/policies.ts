import { isDeepStrictEqual } from 'node:util'
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { isJsonObject } from '../core/json-object.ts'
import { argumentReader } from './cedar/arguments.ts'
import { type Caller, callerReader, type Roles } from './cedar/caller.ts'
import { couldPermit } from './cedar/could-permit.ts'
import { entityOf, type Use } from './cedar/entities.ts'
import { type Mentions, mentionsOf, mentionsOfAll } from './cedar/mentions.ts'
import type { ParsedPolicy } from './cedar/parse.ts'
import { openPolicySet, type PolicySet } from './cedar/policy-set.ts'
import type { Membership, Policies, PolicyJudgement } from './policy-contract.ts'
import { spellingsOf, withLooserForms } from './uri-spellings.ts'

/** Of what is remembered about judgements, in characters of names, which callers write: some megabytes. */
const mostRemembered = 8_000_000
/** What a judgement takes beside its name. */
const judgementSize = 250
/** Nothing has a longer name. */
const longestName = 8192

/** What policies ask about beside the token and the call. */
export interface PolicyFacts {
  readonly roles: Roles
  readonly mode: Policies['mode']
  readonly clock: Clock
}

/** Compiles policies that `checkPolicies` has accepted. */
export function compilePolicies(
  policies: readonly ParsedPolicy[],
  { roles, mode, clock }: PolicyFacts,
): Policies {
  const whole = compile(policies.map(({ name, text, json }) => ({ name, json, source: text })))
  const partial = compile(
    policies.flatMap(({ name, json }) => {
      const could = couldPermit(json)
      return could === undefined ? [] : [{ name, json: could, source: could }]
    }),
  )
  const { objectNames, arguments: wanted, argumentMembers } = whole.mentions
  const callers = callerReader(whole.mentions, roles)
  const readsArguments = wanted !== undefined
  const readArguments = readsArguments ? argumentReader({ arguments: wanted, argumentMembers }) : undefined
  const memberships = membershipsIn(policies)
  const known = new LRUCache<string, PolicyJudgement>({
    maxSize: mostRemembered,
    sizeCalculation: (_, key) => judgementSize + key.length,
  })
  const now = (): object => {
    return { __extn: { fn: 'datetime', arg: new Date(clock.now()).toISOString() } }
  }
  const evaluate = (
    { set, mentions }: Compiled,
    caller: Caller,
    use: Use,
    given?: object,
  ): PolicyJudgement => {
    const context = {
      ...(given === undefined ? {} : { arguments: given }),
      ...(mentions.now ? { now: now() } : {}),
    }
    return set.evaluate(caller.entity, entityOf(use), context)
  }
  /** What is said of what is called with nothing yet, for all who do not differ in what policies look at. */
  const judgeAny = (caller: Caller, use: Use): PolicyJudgement => {
    // To read a resource takes no arguments, where what tools are called with is only not known yet.
    const hasNone = use.kind === 'resources' && readsArguments
    const asked = hasNone ? whole : partial
    if (asked.mentions.now) return evaluate(asked, caller, use, hasNone ? {} : undefined)
    const key = `${caller.key}\0${use.kind}\0${use.server}/${objectNames ? use.name : ''}`
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const judgement = evaluate(asked, caller, use, hasNone ? {} : undefined)
    known.set(key, judgement)
    return judgement
  }
  const judgeUri = (caller: Caller, use: Use): PolicyJudgement => {
    if (!objectNames) return judgeAny(caller, use)
    const spellings = spellingsOf(use.name)
    if (spellings === undefined) return nothingPermits
    let first: PolicyJudgement | undefined
    for (const name of spellings.keys()) {
      const judgement = judgeAny(caller, { ...use, name })
      if (judgement.verdict !== 'permitted') return spelled(judgement, name, use)
      first ??= judgement
    }
    for (const name of withLooserForms(spellings.keys())) {
      if (spellings.has(name)) continue
      const judgement = judgeAny(caller, { ...use, name })
      // What is understood more broadly than it was written is forbidden, and never permitted, by that.
      if (judgement.verdict === 'forbidden') return spelled(judgement, name, use)
    }
    return first ?? nothingPermits
  }
  return {
    mode,
    of: (server) => ({
      readsArguments,
      lackedBy(principal) {
        const { parents } = callers(principal).entity
        return memberships.filter((one) => !parents.some((has) => isDeepStrictEqual(has, one)))
      },
      judge(principal, { kind, name, arguments: given }) {
        if (name === undefined || name.length > longestName || !name.isWellFormed()) return nothingPermits
        const caller = callers(principal)
        const use: Use = { server, kind, name }
        if (kind === 'resources') return judgeUri(caller, use)
        const any = judgeAny(caller, use)
        if (any.verdict !== 'permitted' || readArguments === undefined || given === undefined) return any
        if (!isJsonObject(given)) return unjudged('they are no object')
        const read = readArguments(given)
        return read.kind === 'read' ? evaluate(whole, caller, use, read.values) : unjudged(read.why)
      },
    }),
  }
}

/** The groups and roles in which somebody has to be, each once. */
function membershipsIn(policies: readonly ParsedPolicy[]): readonly Membership[] {
  const permits = policies.filter(({ json }) => json.effect === 'permit')
  const named = mentionsOfAll(permits.map(({ json }) => mentionsOf(json))).entities
  const found = named.flatMap(({ type, id }) =>
    type === 'Group' || type === 'Role' ? [[`${type}::${id}`, { type, id } as const] as const] : [],
  )
  return [...new Map(found).values()]
}

const nothingPermits: PolicyJudgement = { verdict: 'unpermitted', decisive: [], obstacles: [] }

function unjudged(why: string): PolicyJudgement {
  return { ...nothingPermits, obstacles: [`the arguments cannot be judged: ${why}`] }
}

function spelled(judgement: PolicyJudgement, name: string, use: Use): PolicyJudgement {
  return name === use.name ? judgement : { ...judgement, understoodAs: name }
}

interface Compiled {
  readonly set: PolicySet
  readonly mentions: Mentions
}

function compile(
  policies: readonly {
    readonly name: string
    readonly json: PolicyJson
    readonly source: string | PolicyJson
  }[],
): Compiled {
  return {
    set: openPolicySet(policies),
    mentions: mentionsOfAll(policies.map(({ json }) => mentionsOf(json))),
  }
}
