import type { NamedObject, ObjectKind } from '../mcp/objects.ts'
import {
  type CutLevel,
  cutUri,
  foldedForms,
  forbiddenForms,
  formsOf,
  spellingsOf,
  withLooserForms,
} from './uri-spellings.ts'

/** What an operator allows of one kind. In a pattern, `*` matches any text, and nothing else is special. */
export interface KindRules {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Which objects of a server may be used at all, by anyone. Pure. */
export interface ObjectRules {
  allows(object: NamedObject): boolean
  /** The same, with the rule that decides. */
  judge(object: NamedObject): Judgement
}

/** What the rules say about one object. */
interface Judgement {
  readonly isAllowed: boolean
  /** The list that decides. */
  readonly list: 'allow' | 'deny'
  /** The position in the list of the pattern that decides; undefined if no pattern in the list matches. */
  readonly index: number | undefined
  /** The spelling of the name that the decision is about; undefined for a name that is not a string. */
  readonly spelling: string | undefined
}

/**
 * Compiles an operator's rules; undefined if they forbid nothing. What is denied stays denied, whatever else
 * allows it.
 */
export function objectRules(rules: Readonly<Record<ObjectKind, KindRules>>): ObjectRules | undefined {
  const kinds = Object.values(rules)
  if (kinds.every(({ allow, deny }) => deny.length === 0 && allow.includes('*'))) return undefined
  const judges: Readonly<Record<ObjectKind, (name: string) => Judgement>> = {
    tools: judgeBy(rules.tools, names),
    resources: judgeBy(rules.resources, uris),
    prompts: judgeBy(rules.prompts, names),
  }
  const judge = ({ kind, name }: NamedObject): Judgement =>
    name === undefined ? notAllowed(undefined) : judges[kind](name)
  return { judge, allows: (object) => judge(object).isAllowed }
}

/** A name is allowed if no spelling of it is denied, and each is allowed. */
function judgeBy(rules: KindRules, reading: Reading): (name: string) => Judgement {
  const allow = rules.allow.map(reading.allow)
  const deny = rules.deny.map(reading.deny)
  return (name) => {
    const spellings = reading.spellingsOf(name)
    if (spellings === undefined) return notAllowed(name)
    for (const spelling of reading.withEquivalents(spellings.keys())) {
      const index = firstMatch(deny, (matches) => matches(spelling))
      if (index !== undefined) return { isAllowed: false, list: 'deny', index, spelling }
    }
    let decisive: number | undefined
    for (const [spelling, level] of spellings) {
      const index = firstMatch(
        allow,
        ({ matches, matchesCut }) => matches(spelling) || (matchesCut(spelling, level) && matches(name)),
      )
      if (index === undefined) return notAllowed(spelling)
      decisive ??= index
    }
    return { isAllowed: true, list: 'allow', index: decisive, spelling: name }
  }
}

/** The judgement that no pattern allows a spelling. */
function notAllowed(spelling: string | undefined): Judgement {
  return { isAllowed: false, list: 'allow', index: undefined, spelling }
}

/** How the names of a kind, and the patterns for them, are understood. */
interface Reading {
  readonly allow: (pattern: string) => Pattern
  readonly deny: (pattern: string) => Matcher
  /** The name itself, and its other spellings; undefined for a name that nobody writes. */
  readonly spellingsOf: (name: string) => ReadonlyMap<string, CutLevel> | undefined
  /** Spellings, with those that mean the same where a pattern forbids. */
  readonly withEquivalents: (spellings: Iterable<string>) => Iterable<string>
}

interface Pattern {
  readonly matches: Matcher
  /**
   * Whether a shortened URI matches the part of the pattern before the same cut, if the pattern has such a cut,
   * and likewise with repeated slashes. So `https://a.example/b?c=1` need not be allowed without its query as
   * well, nor `https://a.example/https://b` with one slash less, while `*.txt` does not allow `key.pem?.txt`.
   */
  readonly matchesCut: (text: string, level: CutLevel) => boolean
}

/** Whether a text matches. */
type Matcher = (text: string) => boolean

/** A name means itself alone. */
const names: Reading = {
  allow: pattern,
  deny: matcher,
  spellingsOf: (name) => new Map([[name, 'nothing']]),
  withEquivalents: (spellings) => spellings,
}

/** What forbids is understood more broadly than what allows, so that neither gives more than was meant. */
const uris: Reading = {
  allow: uriPattern,
  deny: forbiddenUri,
  spellingsOf,
  withEquivalents: withLooserForms,
}

function firstMatch<T>(patterns: readonly T[], isMatch: (one: T) => boolean): number | undefined {
  const index = patterns.findIndex(isMatch)
  return index === -1 ? undefined : index
}

function pattern(text: string): Pattern {
  const [fragment, query] = (['fragment', 'query'] as const).map((level) => {
    const cut = cutUri(text, level)
    return cut === undefined ? [] : [cut, ...foldedForms(cut)].map(matcher)
  })
  const cuts = { nothing: foldedForms(text).map(matcher), fragment, query }
  return {
    matches: matcher(text),
    matchesCut: (candidate, level) => cuts[level]?.some((matches) => matches(candidate)) === true,
  }
}

/** Matches whichever spelling the operator used. */
function uriPattern(text: string): Pattern {
  const forms = formsOf(text).map(pattern)
  return {
    matches: (candidate) => forms.some(({ matches }) => matches(candidate)),
    matchesCut: (candidate, level) => forms.some(({ matchesCut }) => matchesCut(candidate, level)),
  }
}

/** Matches whichever equivalent URI the operator used. */
function forbiddenUri(text: string): Matcher {
  const forms = forbiddenForms(text).map(matcher)
  return (candidate) => forms.some((matches) => matches(candidate))
}

/**
 * Looks for the parts between the asterisks one after the other, each at its earliest position: linear time,
 * unlike a RegExp.
 */
function matcher(text: string): Matcher {
  const [first = '', ...rest] = text.split(/\*+/)
  const last = rest.pop()
  if (last === undefined) return (candidate) => candidate === first
  return (candidate) => {
    if (!candidate.startsWith(first)) return false
    let from = first.length
    for (const part of rest) {
      const at = candidate.indexOf(part, from)
      if (at === -1) return false
      from = at + part.length
    }
    return candidate.length - last.length >= from && candidate.endsWith(last)
  }
}
