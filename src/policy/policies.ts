import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { isJsonObject } from '../core/json-object.ts'
import { cedarArguments } from './cedar/arguments.ts'
import { type Caller, callerReader, type Roles } from './cedar/caller.ts'
import { couldPermit } from './cedar/could-permit.ts'
import { entityOf, type Use } from './cedar/entities.ts'
import { type Mentions, mentionsOf, mentionsOfAll } from './cedar/mentions.ts'
import type { ParsedPolicy } from './cedar/parse.ts'
import { openPolicySet, type PolicySet } from './cedar/policy-set.ts'
import type { Policies, PolicyJudgement } from './policy-contract.ts'
import { spellingsOf, withLooserForms } from './uri-spellings.ts'

/** Of what is remembered about judgements, in characters of names, which callers write: some megabytes. */
const mostRemembered = 4_000_000
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
  const callers = callerReader(whole.mentions, roles)
  const { arguments: wanted } = whole.mentions
  const readsArguments = wanted !== undefined
  const memberships = whole.mentions.entities.flatMap(({ type, id }) =>
    type === 'Group' || type === 'Role' ? [{ type, id } as const] : [],
  )
  const known = new LRUCache<string, PolicyJudgement>({
    maxSize: mostRemembered,
    sizeCalculation: (_, key) => key.length,
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
  /** What can be said without arguments, for all who do not differ in what policies look at. */
  const judgeAny = (caller: Caller, use: Use): PolicyJudgement => {
    if (partial.mentions.now) return evaluate(partial, caller, use)
    const key = `${caller.key}\0${use.kind}\0${use.server}/${use.name}`
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const judgement = evaluate(partial, caller, use)
    known.set(key, judgement)
    return judgement
  }
  const judgeUri = (caller: Caller, use: Use): PolicyJudgement => {
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
      memberships,
      judge(principal, { kind, name, arguments: given }) {
        if (name === undefined || name.length > longestName || !name.isWellFormed()) return nothingPermits
        const caller = callers(principal)
        const use: Use = { server, kind, name }
        if (kind === 'resources') return judgeUri(caller, use)
        const any = judgeAny(caller, use)
        if (any.verdict !== 'permitted' || wanted === undefined || given === undefined) return any
        const values = isJsonObject(given) ? cedarArguments(given, wanted) : undefined
        return values === undefined ? nothingPermits : evaluate(whole, caller, use, values)
      },
    }),
  }
}

const nothingPermits: PolicyJudgement = { verdict: 'unpermitted', decisive: [], failed: [] }

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
