import type { NamedObject, ObjectKind } from '../mcp/objects.ts'

/** What an operator allows of one kind. In a pattern `*` stands for any text, and nothing else is special. */
export interface KindRules {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Which objects of a server may be used at all, by whomever. Pure. */
export interface ObjectRules {
  allows(object: NamedObject): boolean
  /** The same, with what it rests on. */
  judge(object: NamedObject): Judgement
}

/** What rules say of one object. */
interface Judgement {
  readonly isAllowed: boolean
  /** The list that decides. */
  readonly list: 'allow' | 'deny'
  /** Where the pattern that decides stands in it; undefined where none of the list matches. */
  readonly index: number | undefined
  /** The spelling of the name that it decides about; undefined for a name that is no text. */
  readonly spelling: string | undefined
}

/** Compiles an operator's rules; undefined where they forbid nothing. What is denied is so whatever else allows it. */
export function objectRules(rules: Readonly<Record<ObjectKind, KindRules>>): ObjectRules | undefined {
  const kinds = Object.values(rules)
  if (kinds.every(({ allow, deny }) => deny.length === 0 && allow.includes('*'))) return undefined
  const compiled: Readonly<Record<ObjectKind, Patterns>> = {
    tools: compile(rules.tools),
    resources: compile(rules.resources),
    prompts: compile(rules.prompts),
  }
  const judge = ({ kind, name }: NamedObject): Judgement => {
    if (name === undefined) return { isAllowed: false, list: 'allow', index: undefined, spelling: undefined }
    const { allow, deny } = compiled[kind]
    const spellings = kind === 'resources' ? spellingsOf(name) : [name]
    for (const spelling of spellings) {
      const index = firstMatch(deny, spelling)
      if (index !== undefined) return { isAllowed: false, list: 'deny', index, spelling }
    }
    let index: number | undefined
    for (const spelling of spellings) {
      index = firstMatch(allow, spelling)
      if (index === undefined) return { isAllowed: false, list: 'allow', index, spelling }
    }
    return { isAllowed: true, list: 'allow', index, spelling: name }
  }
  return { judge, allows: (object) => judge(object).isAllowed }
}

interface Patterns {
  readonly allow: readonly Pattern[]
  readonly deny: readonly Pattern[]
}

/** Says whether a text matches. */
type Pattern = (text: string) => boolean

function compile({ allow, deny }: KindRules): Patterns {
  return { allow: allow.map(pattern), deny: deny.map(pattern) }
}

function firstMatch(patterns: readonly Pattern[], text: string): number | undefined {
  const index = patterns.findIndex((matches) => matches(text))
  return index === -1 ? undefined : index
}

/** Looks for the parts between the asterisks one after the other, each as early as it stands: linear, unlike a RegExp. */
function pattern(text: string): Pattern {
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

/**
 * The ways in which a server may understand a URI: as it stands, as a URL parser writes it, and with its escapes
 * resolved, so that `file:///srv/%2e%2e/etc/passwd` is no way round a rule on `file:///etc/*`.
 */
function spellingsOf(uri: string): readonly string[] {
  const found = new Set([uri])
  let current = uri
  for (let round = 0; round < 3; round++) {
    const parsed = URL.parse(current)?.href
    if (parsed !== undefined) found.add(parsed)
    try {
      const decoded = decodeURIComponent(parsed ?? current)
      if (decoded === current) break
      found.add(decoded)
      current = decoded
    } catch {
      break // an escape that is none: no parser goes further
    }
  }
  return [...found]
}
