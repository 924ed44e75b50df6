import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { isJsonObject, type JsonObject } from '../../core/json-object.ts'

/** An entity that a policy names. */
export interface EntityName {
  readonly type: string
  readonly id: string
}

/** A URI in a policy, or a pattern of URIs, with asterisks. */
export interface WrittenUri {
  readonly uri: string
  readonly isPattern: boolean
}

/** What policies look at, and therefore what their decision can depend on. */
export interface Mentions {
  readonly entities: readonly EntityName[]
  /** The attributes of the caller. */
  readonly callerAttributes: ReadonlySet<string>
  /** Whether the caller is used as a whole, so that each of its attributes can matter. */
  readonly caller: boolean
  /** The texts and patterns that the URI of a resource is compared with. */
  readonly uris: readonly WrittenUri[]
  /** Whether the names of objects matter, beside the server that they belong to. */
  readonly objectNames: boolean
  /** The arguments, by name; `all` if they are used as a whole, undefined if not at all. */
  readonly arguments: ReadonlySet<string> | 'all' | undefined
  /** Every member that is looked for in arguments, or in what they contain. */
  readonly argumentMembers: ReadonlySet<string>
  readonly now: boolean
}

/** What one policy, or a part of it, looks at. */
export function mentionsOf(policy: PolicyJson | object): Mentions {
  const entities: EntityName[] = []
  const callerAttributes = new Set<string>()
  const names = new Set<string>()
  const members = new Set<string>()
  const uris: WrittenUri[] = []
  const found = { caller: false, objectNames: false, all: false, arguments: false, now: false }

  const visitContext = ([first, second]: readonly string[]): void => {
    if (first === 'now') found.now = true
    if (first !== 'arguments') return
    found.arguments = true
    if (second !== undefined) names.add(second)
  }
  const visitAccess = (left: unknown, path: readonly string[], isTest: boolean): void => {
    const [first = '', ...rest] = path
    // What callers, objects and the context have is called so by us, and is not looked for in arguments.
    const isOurs = ['principal', 'resource', 'context'].some((name) => isVariable(left, name))
    for (const member of isOurs ? rest : path) members.add(member)
    if (isVariable(left, 'principal')) callerAttributes.add(first)
    else if (isVariable(left, 'context')) {
      visitContext(path)
      // `context has arguments` looks into none of them.
      if (first === 'arguments' && path.length === 1 && !isTest) found.all = true
    } else if (isArguments(left)) visitContext(['arguments', first])
    else {
      const before = entities.length
      visit(left)
      // Who is named may be the caller.
      if (entities.slice(before).some(({ type }) => ofCallers.has(type))) found.caller = true
    }
  }
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one)
    if (!isJsonObject(node)) return
    if (typeof node['type'] === 'string' && typeof node['id'] === 'string') {
      entities.push({ type: node['type'], id: node['id'] })
      return
    }
    if (isVariable(node, 'context')) Object.assign(found, { all: true, arguments: true, now: true })
    if (isVariable(node, 'principal')) found.caller = true
    if (isVariable(node, 'resource')) found.objectNames = true
    for (const [key, value] of Object.entries(node)) {
      if (comparisons.has(key) && isJsonObject(value)) uris.push(...urisIn(value))
      if (key === 'Record' && isJsonObject(value)) {
        for (const member of Object.keys(value)) members.add(member)
        visit(Object.values(value))
      } else if ((key === '.' || key === 'has') && isJsonObject(value))
        visitAccess(value['left'], [value['attr']].flat() as string[], key === 'has')
      else if ((key === 'in' || key === 'is') && isJsonObject(value)) {
        // The groups, roles, users or servers that one is asked to be in are named beside it.
        const { left, ...others } = value
        if (!isVariable(left, 'principal') && !isVariable(left, 'resource')) visit(left)
        visit(others)
      } else visit(value)
    }
  }
  const { annotations: _, ...rest } = policy as PolicyJson
  visit(rest)
  return {
    entities,
    callerAttributes,
    caller: found.caller,
    uris,
    objectNames: found.objectNames || entities.some(({ type }) => ofObjects.has(type)),
    arguments: found.all ? 'all' : found.arguments ? names : undefined,
    argumentMembers: found.arguments ? members : new Set(),
    now: found.now,
  }
}

const ofCallers: ReadonlySet<string> = new Set(['User', 'Client'])
const ofObjects: ReadonlySet<string> = new Set(['Tool', 'Prompt', 'Resource'])

/** In the JSON form of policies: equal, unequal, like, and the three that ask for elements of a set. */
const comparisons: ReadonlySet<string> = new Set([
  '==',
  '!=',
  'like',
  'contains',
  'containsAll',
  'containsAny',
])

/** What a comparison compares with the URI of the resource, if it does. */
function urisIn({ left, right, pattern }: JsonObject): WrittenUri[] {
  const sides = [left, right]
  if (!sides.some((side) => isUri(side))) return []
  const texts = sides.flatMap((side) => (isJsonObject(side) ? [side, side['Set']].flat() : []))
  const found = texts.flatMap((text) => {
    const value = isJsonObject(text) ? text['Value'] : undefined
    return typeof value === 'string' ? [{ uri: value, isPattern: false }] : []
  })
  if (!Array.isArray(pattern)) return found
  const parts = pattern.map((part) => (isJsonObject(part) ? String(part['Literal']) : '*'))
  return [...found, { uri: parts.join(''), isPattern: true }]
}

function isUri(node: unknown): boolean {
  if (isJsonObject(node) && Array.isArray(node['Set'])) return node['Set'].some(isUri)
  const access = isJsonObject(node) ? node['.'] : undefined
  return isJsonObject(access) && isVariable(access['left'], 'resource') && access['attr'] === 'uri'
}

/** Everything that any of several policies looks at. */
export function mentionsOfAll(all: readonly Mentions[]): Mentions {
  const named = all.map((one) => one.arguments).filter((names) => names !== undefined)
  return {
    entities: all.flatMap(({ entities }) => entities),
    callerAttributes: new Set(all.flatMap((one) => [...one.callerAttributes])),
    caller: all.some(({ caller }) => caller),
    uris: all.flatMap(({ uris }) => uris),
    objectNames: all.some(({ objectNames }) => objectNames),
    arguments: named.length === 0 ? undefined : unionOf(named),
    argumentMembers: new Set(all.flatMap(({ argumentMembers }) => [...argumentMembers])),
    now: all.some(({ now }) => now),
  }
}

function unionOf(named: readonly (ReadonlySet<string> | 'all')[]): ReadonlySet<string> | 'all' {
  const union = new Set<string>()
  for (const names of named) {
    if (names === 'all') return 'all'
    for (const name of names) union.add(name)
  }
  return union
}

function isVariable(node: unknown, name: string): boolean {
  return isJsonObject(node) && node['Var'] === name
}

function isArguments(node: unknown): boolean {
  const access = isJsonObject(node) ? node['.'] : undefined
  return isJsonObject(access) && isVariable(access['left'], 'context') && access['attr'] === 'arguments'
}
